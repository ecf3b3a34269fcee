"""What has flowed through the path to the tip in the last two weeks, exactly and without ticks.

Every event that changes the flow appends one piece; between two events there is nothing to keep.
What a patient feels at some moment is worked out from these pieces when somebody asks.

Times are the pump's own. A clock is off by parts per million, which is less than anybody knows of a
patient: a hundred ppm are two minutes in two weeks. A fault may make it more (`clock_drift`).
"""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, NamedTuple

from pump_sim.model.course import BolusCurve, Course
from pump_sim.model.hardware.catheter import (
    Catheter,
    Slug,
    concentration_at,
    mass_between,
    merged,
    slug_index,
    spliced,
)
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.units import DAY_MS, HOUR_MS, NL_PER_ML, PPM, UNITS_PER_NL, ceil_div

MEMORY_MS: Final = 14 * DAY_MS
"""For how long a dose is felt: of the slowest rate of the patient model, 1e-17 is left."""

LOOK_BACK_MS: Final = 12 * HOUR_MS
"""How far before the latest event a question may lie; withdrawal asks 12 hours back."""

_PRUNED_EVERY = 64
"""Whenever so many pieces have come, it is looked whether some can go."""

MAX_PIECES: Final = 1_024
"""73 changes of the flow a day for two weeks, far more than any therapy has. Of a flood of
commands the older half is remembered as if it had flowed evenly."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A volume driven into the catheter through its access port, past the pump.

    `from_fine` is its place in the queue. What the pump drives past the port meanwhile, as good as
    nothing beside it, comes behind the whole of it.
    """

    curve: BolusCurve
    from_fine: int

    def fine(self, from_ms: int, to_ms: int) -> int:
        """Fine units that are driven in between two moments."""
        return (self.curve.units_at(to_ms) - self.curve.units_at(from_ms)) * PPM

    def moved(self, by_ms: int, by_fine: int) -> "Injection":
        """The same, that much later and further back."""
        return Injection(self.curve.moved(by_ms), self.from_fine + by_fine)


@dataclass(frozen=True, slots=True)
class FlowPiece:
    """From `from_ms` on, `factor_ppm` times the course enters the path until `left` is used up.

    `entered` is what had entered before, from the pump and through the port; both are fine units.
    The factor is 0 while the pump is stalled, or the catheter is occluded or off the pump.
    """

    from_ms: int
    course: Course
    factor_ppm: int
    entered: int
    left: int
    injection: Injection | None = None

    def drawn(self, to_ms: int) -> int:
        """Fine units that the pump drives from the beginning of the piece up to `to_ms`."""
        if not self.factor_ppm:
            return 0
        return min(self.left, self.course.units(self.from_ms, to_ms) * self.factor_ppm)

    def enters(self, to_ms: int) -> int:
        """Fine units that enter from the beginning of the piece up to `to_ms`."""
        drawn = self.drawn(to_ms)
        return drawn if self.injection is None else drawn + self.injection.fine(self.from_ms, to_ms)

    def moment_of(self, fine: int) -> float:
        """When the pump has driven `fine` > 0, which it does: to a part of a millisecond."""
        course, factor_ppm, from_ms = self.course, self.factor_ppm, self.from_ms
        reached_ms = course.first_ms_reaching(ceil_div(fine, factor_ppm), from_ms=from_ms)
        assert reached_ms is not None, "asked for more than the piece delivers"
        beyond = course.units(from_ms, reached_ms) * factor_ppm - fine
        return reached_ms - beyond / (course.units(reached_ms - 1, reached_ms) * factor_ppm)

    def entry_of(self, fine: int, by_ms: int) -> float:
        """When `fine` > 0 has entered, by whatever way, which it has by `by_ms`."""
        span_ms = range(self.from_ms, by_ms)
        reached_ms = self.from_ms + bisect_left(span_ms, fine, key=self.enters)
        entered = self.enters(reached_ms)
        return reached_ms - (entered - fine) / (entered - self.enters(reached_ms - 1))

    def moved(self, by_ms: int, by_fine: int) -> "FlowPiece":
        """The same flow, that much later and further back."""
        return FlowPiece(
            self.from_ms + by_ms,
            self.course.moved(by_ms),
            self.factor_ppm,
            self.entered + by_fine,
            self.left,
            None if self.injection is None else self.injection.moved(by_ms, by_fine),
        )


@dataclass(frozen=True, slots=True)
class Therapy:
    """A course of one drug that goes on undisturbed, and has done so for ever."""

    course: Course
    concentration_ng_per_ml: int

    def moved(self, by_ms: int) -> "Therapy":
        """The same therapy, as if that much later."""
        return Therapy(self.course.moved(by_ms), self.concentration_ng_per_ml)


class Span(NamedTuple):
    """From one moment to another: one course, one factor, one concentration at the tip."""

    begins_ms: float
    ends_ms: float
    course: Course
    factor_ppm: int
    concentration_ng_per_ml: int


class Tip(NamedTuple):
    """What comes out at the tip at one moment."""

    fine_per_ms: float
    concentration_ng_per_ml: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What has been counted, as pieces and slugs are not kept for ever.

    `injected` is what came, or is about to come, through the access port: fine units. `received` is
    the drug that had come out when the tip was at `received_fine`, in fine units times ng/mL.
    `drug_before` tells that drug came out in pieces which have been forgotten.
    """

    injected: int = 0
    received: int = 0
    received_fine: int = 0
    drug_before: bool = False


@dataclass(frozen=True, slots=True)
class FlowHistory:
    """The pieces in the order of time, and the queue of drug in the path.

    `steady` is the therapy that had gone on before the first piece, None for a patient who had
    none.
    """

    pieces: tuple[FlowPiece, ...]
    slugs: tuple[Slug, ...]
    path_fine: int
    steady: Therapy | None = None
    tally: Tally = Tally()

    @classmethod
    def starting(
        cls,
        piece: FlowPiece,
        *,
        slugs: tuple[Slug, ...],
        path_fine: int,
        steady: Therapy | None = None,
    ) -> "FlowHistory":
        """The history of a pump that has just been implanted (`Catheter.slugs`)."""
        return cls((piece,), slugs, path_fine, steady, Tally(received_fine=-path_fine))

    @property
    def started_ms(self) -> int:
        """From when on the history knows what flowed."""
        return self.pieces[0].from_ms

    def begun(self, piece: FlowPiece) -> "FlowHistory":
        """The history after something has changed the flow.

        The piece is not older than the latest, and replaces one of the same millisecond. What is
        older than memory is forgotten, in bulk and rarely.
        """
        pieces = self.pieces
        if pieces[-1].from_ms == piece.from_ms:
            pieces = pieces[:-1]
        pieces = (*pieces, piece)
        if len(pieces) % _PRUNED_EVERY == 0:
            return self._pruned(pieces)
        # Not `replace`, which takes longer than all the rest: every event comes by here.
        return FlowHistory(pieces, self.slugs, self.path_fine, self.steady, self.tally)

    def entering(self, concentration_ng_per_ml: int, delivered: int) -> "FlowHistory":
        """The history after the drug in the reservoir has changed.

        `delivered` is what the pump has driven into the path by then.
        """
        slugs, entered = self.slugs, delivered + self.tally.injected
        if slugs[-1].concentration_ng_per_ml == concentration_ng_per_ml:
            return self
        if slugs[-1].from_fine == entered:
            slugs = slugs[:-1]
        if not slugs or slugs[-1].concentration_ng_per_ml != concentration_ng_per_ml:
            slugs = (*slugs, Slug(entered, concentration_ng_per_ml))
        return replace(self, slugs=slugs)

    # --- Through the access port -----------------------------------------------------------------

    def injected_by(self, at_ms: int) -> int:
        """Fine units that have come through the port by `at_ms`, not before the latest piece."""
        injection = self.pieces[-1].injection
        if injection is None:
            return self.tally.injected
        rest = injection.curve.volume_units - injection.curve.units_at(at_ms)
        return self.tally.injected - rest * PPM

    def injection_at(self, at_ms: int) -> Injection | None:
        """The injection that goes on at `at_ms`, which is not before the latest piece."""
        injection = self.pieces[-1].injection
        if injection is None or injection.curve.ends_at_ms <= at_ms:
            return None
        return injection

    def injecting(
        self,
        volume_nl: int,
        concentration_ng_per_ml: int,
        duration_ms: int,
        *,
        catheter_fine: int,
        aspirated: bool,
    ) -> "FlowHistory":
        """The history after an injection has begun where the latest piece begins.

        It pushes out what lies in the catheter, or fluid without drug if that was aspirated before.
        What lies in the tubing comes behind it. No other injection goes on.
        """
        piece, volume = self.pieces[-1], volume_nl * FINE_UNITS_PER_NL
        tip_fine = piece.entered - self.path_fine
        port_fine = tip_fine + catheter_fine
        layers, from_fine = [(volume, concentration_ng_per_ml)], port_fine
        if aspirated:
            layers, from_fine = [(catheter_fine, 0), *layers], tip_fine
        curve = BolusCurve(volume_nl * UNITS_PER_NL, duration_ms, piece.from_ms)
        return replace(
            self,
            pieces=(*self.pieces[:-1], replace(piece, injection=Injection(curve, port_fine))),
            slugs=spliced(self.slugs, from_fine, port_fine, layers),
            tally=replace(self.tally, injected=self.tally.injected + volume),
        )

    def injection_stopped(self, at_ms: int) -> "FlowHistory":
        """The history after an injection has been broken off, if one goes on."""
        injection, last = self.injection_at(at_ms), self.pieces[-1]
        if injection is None:
            return self
        begin_fine, curve = injection.from_fine, injection.curve
        rest = (curve.volume_units - curve.units_at(at_ms)) * PPM
        end_fine = begin_fine + curve.volume_units * PPM
        piece = FlowPiece(
            at_ms,
            last.course,
            last.factor_ppm,
            last.entered + last.enters(at_ms),
            last.left - last.drawn(at_ms),
        )
        slugs = spliced(self.slugs, end_fine - rest, end_fine, ())
        tally = replace(self.tally, injected=self.tally.injected - rest)
        return replace(self, slugs=slugs, tally=tally).begun(piece)

    # --- Another pump ----------------------------------------------------------------------------

    def at_another_pump(
        self, at_ms: int, piece: FlowPiece, catheter: Catheter, tubing: int, reservoir: int
    ) -> "FlowHistory":
        """The history of a pump that takes this one's place at `at_ms`, which is its 0 ms.

        What lies in the catheter stays there. `piece` is the new pump's first; `tubing` and
        `reservoir` are the concentrations of the drug in it.
        """
        ended = self.injection_stopped(at_ms)
        by_fine = -ended.entered_at(at_ms)
        place_fine = by_fine + self.path_fine - catheter.path_fine
        port_fine = -catheter.tubing_fine
        queue = [Slug(s.from_fine + place_fine, s.concentration_ng_per_ml) for s in ended.slugs]
        queue = [each for each in queue if each.from_fine < port_fine]
        return FlowHistory(
            tuple(each.moved(-at_ms, by_fine) for each in ended.pieces),
            merged([*queue, Slug(port_fine, tubing), Slug(0, reservoir)]),
            catheter.path_fine,
            None if self.steady is None else self.steady.moved(-at_ms),
            Tally(received_fine=-catheter.path_fine, drug_before=self.tally.drug_before),
        ).begun(piece)

    # --- Asking ----------------------------------------------------------------------------------

    def piece_at(self, at_ms: int) -> FlowPiece:
        """The piece in force; the first one before all of them."""
        pieces = self.pieces
        if at_ms >= pieces[-1].from_ms:
            return pieces[-1]
        return pieces[max(0, bisect_right(pieces, at_ms, key=_from_ms) - 1)]

    def entered_at(self, at_ms: int) -> int:
        """Fine units that have entered by `at_ms`, which is not before the first piece."""
        piece = self.piece_at(at_ms)
        return piece.entered + piece.enters(at_ms)

    def received_ng(self, at_ms: int) -> int:
        """The drug that has come out at the tip since the implant, in whole ng."""
        tip_fine = self.entered_at(at_ms) - self.path_fine
        return self._mass_by(tip_fine) // (FINE_UNITS_PER_NL * NL_PER_ML)

    def _mass_by(self, tip_fine: int) -> int:
        tally = self.tally
        return tally.received + mass_between(self.slugs, tally.received_fine, tip_fine)

    def tip_at(self, at_ms: int) -> Tip:
        """What comes out at the tip at `at_ms`: the flow of now, the drug of a path volume ago."""
        piece = self.piece_at(at_ms)
        drawn = piece.drawn(at_ms)
        position_fine = piece.entered + drawn - self.path_fine
        rate = _rate_at(piece.course, at_ms) if drawn < piece.left else 0.0
        fine_per_ms = rate * piece.factor_ppm
        if piece.injection is not None:
            position_fine += piece.injection.fine(piece.from_ms, at_ms)
            fine_per_ms += _bolus_rate_at(piece.injection.curve, at_ms) * PPM
        return Tip(fine_per_ms, concentration_at(self.slugs, position_fine))

    def first_drug_ms(self, to_ms: int) -> int | None:
        """When drug first came out at the tip, as far as pieces tell; None if not by `to_ms`."""
        for span in self.spans(self.started_ms, to_ms):
            if span.concentration_ng_per_ml:
                return math.floor(span.begins_ms)
        return None

    def spans(self, from_ms: int, to_ms: int) -> list[Span]:
        """What flows in between, in order, cut wherever a course or a concentration changes.

        Also cut where the reservoir runs dry. Times of no flow are left out. What is injected is a
        span beside that of the pump. The latest piece is taken to go on as long as it can.
        """
        pieces, slugs = self.pieces, self.slugs
        first = max(0, bisect_right(pieces, from_ms, key=_from_ms) - 1)
        following = pieces[first + 1 :]
        spans: list[Span] = []
        for index, piece in enumerate(pieces[first:]):
            if piece.from_ms >= to_ms:
                break
            ends: float = to_ms
            if index < len(following) and following[index].from_ms <= to_ms:
                ends = following[index].from_ms
                enters = following[index].entered - piece.entered
            else:
                enters = piece.enters(to_ms)
            if not enters:
                continue
            if piece.injection is not None:
                spans += self._spans_beside(piece, piece.injection, enters, from_ms, int(ends))
                continue
            if enters >= piece.left:
                ends = min(ends, piece.moment_of(piece.left))
            begins: float = piece.from_ms
            tip_fine = piece.entered - self.path_fine
            slug = slug_index(slugs, tip_fine)
            while slug + 1 < len(slugs) and slugs[slug + 1].from_fine < tip_fine + enters:
                changes = piece.moment_of(slugs[slug + 1].from_fine - tip_fine)
                if changes > from_ms:
                    spans.append(_span(max(begins, from_ms), changes, piece, slugs[slug]))
                begins = changes
                slug += 1
            if ends > from_ms:
                spans.append(_span(max(begins, from_ms), ends, piece, slugs[slug]))
        return spans

    def _spans_beside(
        self, piece: FlowPiece, injection: Injection, enters: int, from_ms: int, ends_ms: int
    ) -> list[Span]:
        """The spans of a piece with an injection, as far as it goes: the pump's, and the hand's."""
        curve = injection.curve
        streams = [FlowPiece(piece.from_ms, Course(bolus=curve), PPM, 0, 0)]
        stops_ms: list[float] = [min(ends_ms, curve.ends_at_ms)]
        drawn = enters - injection.fine(piece.from_ms, ends_ms)
        if drawn:
            dry = drawn >= piece.left
            streams.append(piece)
            stops_ms.append(min(ends_ms, piece.moment_of(piece.left)) if dry else ends_ms)
        tip_fine = piece.entered - self.path_fine
        first, last = slug_index(self.slugs, tip_fine), slug_index(self.slugs, tip_fine + enters)
        edges = [self.slugs[each].from_fine - tip_fine for each in range(first + 1, last + 1)]
        cuts = [float(piece.from_ms), *(piece.entry_of(each, ends_ms) for each in edges), ends_ms]
        spans = []
        slugs = self.slugs[first : last + 1]
        for slug, (begins, ends) in zip(slugs, pairwise(cuts), strict=True):
            for stream, stops in zip(streams, stops_ms, strict=True):
                if min(ends, stops) > max(begins, from_ms):
                    spans.append(_span(max(begins, from_ms), min(ends, stops), stream, slug))
        return spans

    def _pruned(self, pieces: tuple[FlowPiece, ...]) -> "FlowHistory":
        if len(pieces) > MAX_PIECES:
            pieces = _evened(pieces, len(pieces) // 2)
        horizon_ms = pieces[-1].from_ms - MEMORY_MS - LOOK_BACK_MS
        first = max(0, bisect_right(pieces, horizon_ms, key=_from_ms) - 1)
        oldest_fine = pieces[0].entered - self.path_fine
        tip_fine = pieces[first].entered - self.path_fine
        slug = slug_index(self.slugs, tip_fine)
        drug_before = self.tally.drug_before or (
            tip_fine > oldest_fine
            and any(
                each.concentration_ng_per_ml > 0
                for each in self.slugs[slug_index(self.slugs, oldest_fine) : slug + 1]
            )
        )
        tally = self.tally
        received_fine = max(tally.received_fine, tip_fine)
        received = self._mass_by(received_fine)
        return FlowHistory(
            pieces[first:],
            self.slugs[slug:],
            self.path_fine,
            self.steady,
            Tally(tally.injected, received, received_fine, drug_before),
        )


def _evened(pieces: tuple[FlowPiece, ...], count: int) -> tuple[FlowPiece, ...]:
    """The pieces with the first `count` of them as one, of an even flow."""
    first, following = pieces[0], pieces[count]
    units = ceil_div(following.entered - first.entered, PPM)
    curve = BolusCurve(units, following.from_ms - first.from_ms, first.from_ms)
    even = FlowPiece(first.from_ms, Course(bolus=curve), PPM, first.entered, units * PPM)
    return (even, *pieces[count:])


def _span(begins_ms: float, ends_ms: float, piece: FlowPiece, slug: Slug) -> Span:
    return Span(begins_ms, ends_ms, piece.course, piece.factor_ppm, slug.concentration_ng_per_ml)


def _rate_at(course: Course, at_ms: int) -> float:
    rate = 0.0
    if at_ms >= course.begins_at_ms:
        rate += course.rate_nl_per_day
        part = None if course.cycle is None else course.cycle.segment_at(at_ms)[0]
        if part is not None:
            rate += part.units / part.per_ms
    return rate if course.bolus is None else rate + _bolus_rate_at(course.bolus, at_ms)


def _bolus_rate_at(bolus: BolusCurve, at_ms: int) -> float:
    if bolus.started_at_ms <= at_ms < bolus.ends_at_ms:
        return bolus.volume_units / bolus.duration_ms
    return 0.0


def _from_ms(piece: FlowPiece) -> int:
    return piece.from_ms
