"""How a file writes what goes wrong on the wire: in a scenario, and for ``run --faults``."""

from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from pump_protocol.codes import MAX_FRAME_BYTES, RESPONSE_BIT, MessageType
from pump_sim.ports.link_fault import Direction, LinkFault, LinkFaultKind
from pump_sim.scenario.file.quantities import DurationMs, SharePpm
from pump_sim.scenario.file.therapy import Strict
from pump_sim.texts import did_you_mean

NS_PER_MS: Final = 1_000_000
MERGE_WAIT_MS: Final = 100

_GOES: Final = {
    each.name.lower(): "to_programmer" if each.value & RESPONSE_BIT else "to_pump"
    for each in MessageType
}
"""Which way each message goes, by its name."""


class Takes(NamedTuple):
    """The keys that some kinds of link fault take and others do not."""

    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


TAKES: Final[dict[str, Takes]] = {
    "drop": Takes(),
    "duplicate": Takes(may=("delay",)),
    "delay": Takes(must=("delay",)),
    "jitter": Takes(must=("delay",)),
    "split": Takes(may=("at_byte", "delay")),
    "merge": Takes(may=("delay",)),
    "flip": Takes(may=("at_byte", "bits")),
    "truncate": Takes(may=("at_byte",)),
    "silence": Takes(must=("length",)),
    "disconnect": Takes(may=("at_byte",)),
    "baud": Takes(must=("rate",)),
}
"""By kind. All other keys are every kind's."""

_OWN_KEYS: Final = {
    "delay": "delay_ms",
    "at_byte": "at_byte",
    "bits": "bits",
    "length": "length_ms",
    "rate": "bits_per_s",
}
"""The keys that not every kind takes, and their fields."""


def _known_message(name: str) -> str:
    if name in _GOES:
        return name
    guess = did_you_mean(name, _GOES) or f" Known are {', '.join(_GOES)}."
    raise PydanticCustomError(
        "message",
        "{name} is no message of the protocol.{guess}",
        {"name": repr(name[:60]), "guess": guess},
    )


def _share(ppm: int) -> int:
    if not 0 < ppm <= 1_000_000:
        raise PydanticCustomError("probability", "allowed is more than 0 %, up to 100 %")
    return ppm


def _some_time(duration_ms: int) -> int:
    if duration_ms < 1:
        raise PydanticCustomError("duration", "allowed is 1 ms or more")
    return duration_ms


SomeTimeMs = Annotated[DurationMs, AfterValidator(_some_time)]


class LinkRule(Strict):
    """What goes wrong, to which frames, how often, and when. docs/reference/link-faults.md.

    It begins when it is put on the wire, and ends after `for` of therapy time and after `link_for`
    of link time, if these are given.
    """

    link: Literal[
        "drop", "duplicate", "delay", "jitter", "split", "merge", "flip", "truncate", "silence",
        "disconnect", "baud",
    ] = Field(description="What goes wrong.")  # fmt: skip
    direction: Literal["to_pump", "to_programmer", "both"] = Field(
        default="both", description="Only frames that go this way."
    )
    message: tuple[Annotated[StrictStr, AfterValidator(_known_message)], ...] = Field(
        default=(), description="Only frames of these messages. Default: any bytes."
    )
    probability_ppm: Annotated[SharePpm, AfterValidator(_share)] = Field(
        default=1_000_000, alias="probability", description="To each frame. Default: 100 %."
    )
    count: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, description="To at most so many frames. Default: to all."
    )
    skip: Annotated[StrictInt, Field(ge=0)] = Field(
        default=0, description="Spare so many frames first, of those that it would have acted upon."
    )
    for_ms: SomeTimeMs | None = Field(
        default=None, alias="for", description="How long, in therapy time. Default: for ever."
    )
    link_after_ms: DurationMs = Field(
        default=0, alias="link_after", description="When it begins, in link time. Default: at once."
    )
    link_for_ms: SomeTimeMs | None = Field(
        default=None,
        alias="link_for",
        description="How long from then on, in link time. Default: for ever.",
    )
    delay_ms: SomeTimeMs | None = Field(
        default=None,
        alias="delay",
        description="Of duplicate, delay, jitter, split, merge: how much later, in link time.",
    )
    at_byte: Annotated[StrictInt, Field(ge=0, lt=MAX_FRAME_BYTES)] | None = Field(
        default=None,
        description="Of split, flip, truncate, disconnect: which byte, from 0 on. Default: by the"
        " seed; of disconnect: 0.",
    )
    bits: Annotated[StrictInt, Field(ge=1, le=4096)] = Field(
        default=1, description="Of flip: how many bits of the frame, at places by the seed."
    )
    length_ms: SomeTimeMs | None = Field(
        default=None, alias="length", description="Of silence: how long, in link time."
    )
    bits_per_s: Annotated[StrictInt, Field(ge=50, le=4_000_000)] | None = Field(
        default=None, alias="rate", description="Of baud: bits a second; a byte is ten bits."
    )

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        takes = TAKES[self.link]
        allowed = (*takes.must, *takes.may)
        for key, field in _OWN_KEYS.items():
            given = field in self.model_fields_set
            if given and key not in allowed:
                own = f"it takes {' and '.join(allowed)}" if allowed else "it has no key of its own"
                raise _wrong(key, f"{self.link} does not take it: {own}")
            if not given and key in takes.must:
                raise _wrong(key, f"it is missing: {self.link} needs it")
        return self

    @model_validator(mode="after")
    def _something_to_act_upon(self) -> Self:
        for name in self.message:
            if self.direction not in ("both", _GOES[name]):
                never = f"{name} never goes {self.direction}, it goes {_GOES[name]}"
                raise _wrong("message", never)
        if self.link == "flip" and {"bits", "at_byte"} <= self.model_fields_set:
            raise _wrong("bits", "bits and at_byte exclude each other: at_byte flips one bit")
        if self.link == "split" and self.at_byte == 0:
            raise _wrong("at_byte", f"of split, allowed are 1 to {MAX_FRAME_BYTES - 1}")
        return self

    def fault(self, at_therapy_ms: int, at_link_ns: int) -> LinkFault:
        """What this is when it is put on the wire at that therapy time and link time."""
        from_ns = at_link_ns + self.link_after_ms * NS_PER_MS
        until_ns = None if self.link_for_ms is None else from_ns + self.link_for_ms * NS_PER_MS
        delay_ms = self.delay_ms or (MERGE_WAIT_MS if self.link == "merge" else 0)
        return LinkFault(
            kind=LinkFaultKind(self.link),
            direction=None if self.direction == "both" else Direction(self.direction),
            messages=frozenset(self.message),
            probability_ppm=self.probability_ppm,
            count=self.count,
            skip=self.skip,
            therapy_from_ms=at_therapy_ms,
            therapy_until_ms=None if self.for_ms is None else at_therapy_ms + self.for_ms,
            link_from_ns=from_ns,
            link_until_ns=until_ns,
            delay_ns=delay_ms * NS_PER_MS,
            at_byte=self.at_byte,
            bits=self.bits,
            length_ns=(self.length_ms or 0) * NS_PER_MS,
            bits_per_s=self.bits_per_s or 0,
        )


def _wrong(key: str, why: str) -> PydanticCustomError:
    """An error about *key* of a table, which its place in the file is not told by."""
    return PydanticCustomError("link_rule", "{key}: {why}", {"key": key, "why": why})
