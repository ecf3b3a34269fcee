"""What has flowed through the path to the tip in the last two weeks, exactly and without ticks.

Every event that changes the flow appends one piece; between two events there is nothing to keep.
What a patient feels at some moment is worked out from these pieces when somebody asks.

Times are the pump's own. A clock is off by parts per million, which is less than anybody knows of a
patient: a hundred ppm are two minutes in two weeks. A fault may make it more (`clock_drift`).
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, NamedTuple

from pump_sim.model.course import BolusCurve, Course
from pump_sim.model.hardware.catheter import Slug, concentration_at, slug_index
from pump_sim.model.units import DAY_MS, HOUR_MS, PPM, ceil_div

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
class FlowPiece:
    """From `from_ms` on, `factor_ppm` times the course enters the path until `left` is used up.

    `entered` is what had entered before; both are fine units. The factor is 0 while the pump is
    stalled, or the catheter is occluded or disconnected.
    """

    from_ms: int
    course: Course
    factor_ppm: int
    entered: int
    left: int

    def drawn(self, to_ms: int) -> int:
        """Fine units that enter from the beginning of the piece up to `to_ms`."""
        if not self.factor_ppm:
            return 0
        return min(self.left, self.course.units(self.from_ms, to_ms) * self.factor_ppm)

    def moment_of(self, fine: int) -> float:
        """When `fine` > 0, which it does deliver, has entered: to a part of a millisecond."""
        course, factor_ppm, from_ms = self.course, self.factor_ppm, self.from_ms
        reached_ms = course.first_ms_reaching(ceil_div(fine, factor_ppm), from_ms=from_ms)
        assert reached_ms is not None, "asked for more than the piece delivers"
        beyond = course.units(from_ms, reached_ms) * factor_ppm - fine
        return reached_ms - beyond / (course.units(reached_ms - 1, reached_ms) * factor_ppm)


@dataclass(frozen=True, slots=True)
class Therapy:
    """A course of one drug that goes on undisturbed, and has done so for ever."""

    course: Course
    concentration_ng_per_ml: int


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
class FlowHistory:
    """The pieces in the order of time, and the queue of drug in the path.

    `steady` is the therapy that had gone on before the first piece, None for a patient who had
    none. `drug_before` tells that drug came out in pieces which have been forgotten.
    """

    pieces: tuple[FlowPiece, ...]
    slugs: tuple[Slug, ...]
    path_fine: int
    steady: Therapy | None = None
    drug_before: bool = False

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
        return cls((piece,), slugs, path_fine, steady)

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
        return FlowHistory(pieces, self.slugs, self.path_fine, self.steady, self.drug_before)

    def entering(self, concentration_ng_per_ml: int, entered: int) -> "FlowHistory":
        """The history after the drug in the reservoir has changed, when `entered` had entered."""
        slugs = self.slugs
        if slugs[-1].concentration_ng_per_ml == concentration_ng_per_ml:
            return self
        if slugs[-1].from_fine == entered:
            slugs = slugs[:-1]
        if not slugs or slugs[-1].concentration_ng_per_ml != concentration_ng_per_ml:
            slugs = (*slugs, Slug(entered, concentration_ng_per_ml))
        return FlowHistory(self.pieces, slugs, self.path_fine, self.steady, self.drug_before)

    def piece_at(self, at_ms: int) -> FlowPiece:
        """The piece in force; the first one before all of them."""
        pieces = self.pieces
        if at_ms >= pieces[-1].from_ms:
            return pieces[-1]
        return pieces[max(0, bisect_right(pieces, at_ms, key=_from_ms) - 1)]

    def entered_at(self, at_ms: int) -> int:
        """Fine units that have entered by `at_ms`, which is not before the first piece."""
        piece = self.piece_at(at_ms)
        return piece.entered + piece.drawn(at_ms)

    def tip_at(self, at_ms: int) -> Tip:
        """What comes out at the tip at `at_ms`: the flow of now, the drug of a path volume ago."""
        piece = self.piece_at(at_ms)
        drawn = piece.drawn(at_ms)
        position_fine = piece.entered + drawn - self.path_fine
        rate = _rate_at(piece.course, at_ms) if drawn < piece.left else 0.0
        return Tip(rate * piece.factor_ppm, concentration_at(self.slugs, position_fine))

    def first_drug_ms(self, to_ms: int) -> int | None:
        """When drug first came out at the tip, as far as pieces tell; None if not by `to_ms`."""
        for span in self.spans(self.started_ms, to_ms):
            if span.concentration_ng_per_ml:
                return int(span.begins_ms)
        return None

    def spans(self, from_ms: int, to_ms: int) -> list[Span]:
        """What flows in between, in order, cut wherever a course or a concentration changes.

        Also cut where the reservoir runs dry. Times of no flow are left out. The latest piece is
        taken to go on as long as it can.
        """
        pieces, slugs = self.pieces, self.slugs
        first = max(0, bisect_right(pieces, from_ms, key=_from_ms) - 1)
        following = pieces[first + 1 :]
        spans = []
        for index, piece in enumerate(pieces[first:]):
            if piece.from_ms >= to_ms:
                break
            if not piece.factor_ppm:
                continue
            ends: float = to_ms
            if index < len(following) and following[index].from_ms <= to_ms:
                ends = following[index].from_ms
                drawn = following[index].entered - piece.entered
            else:
                drawn = piece.drawn(to_ms)
            if not drawn:
                continue
            if drawn >= piece.left:
                ends = min(ends, piece.moment_of(piece.left))
            begins: float = piece.from_ms
            tip_fine = piece.entered - self.path_fine
            slug = slug_index(slugs, tip_fine)
            while slug + 1 < len(slugs) and slugs[slug + 1].from_fine < tip_fine + drawn:
                changes = piece.moment_of(slugs[slug + 1].from_fine - tip_fine)
                if changes > from_ms:
                    spans.append(_span(max(begins, from_ms), changes, piece, slugs[slug]))
                begins = changes
                slug += 1
            if ends > from_ms:
                spans.append(_span(max(begins, from_ms), ends, piece, slugs[slug]))
        return spans

    def _pruned(self, pieces: tuple[FlowPiece, ...]) -> "FlowHistory":
        if len(pieces) > MAX_PIECES:
            pieces = _evened(pieces, len(pieces) // 2)
        horizon_ms = pieces[-1].from_ms - MEMORY_MS - LOOK_BACK_MS
        first = max(0, bisect_right(pieces, horizon_ms, key=_from_ms) - 1)
        oldest_fine = pieces[0].entered - self.path_fine
        tip_fine = pieces[first].entered - self.path_fine
        slug = slug_index(self.slugs, tip_fine)
        drug_before = self.drug_before or (
            tip_fine > oldest_fine
            and any(
                each.concentration_ng_per_ml > 0
                for each in self.slugs[slug_index(self.slugs, oldest_fine) : slug + 1]
            )
        )
        return FlowHistory(
            pieces[first:], self.slugs[slug:], self.path_fine, self.steady, drug_before
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
    bolus = course.bolus
    if bolus is not None and bolus.started_at_ms <= at_ms < bolus.ends_at_ms:
        rate += bolus.volume_units / bolus.duration_ms
    return rate


def _from_ms(piece: FlowPiece) -> int:
    return piece.from_ms
