"""What must be so in a scenario, and what must not: as data. It judges nothing.

One key says what is expected. Some things happen at a moment (``alarm``, ``log``, ``flag``); of
others there is a value at every moment (volumes, rates, the mode, the patient's drug effect).
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pump_sim.scenario.file.acts import AlarmName
from pump_sim.scenario.file.quantities import (
    ConcentrationNgPerMl,
    DailyDoseNg,
    DoseNg,
    DurationMs,
    RateNlPerDay,
    SharePpm,
    TimeMs,
    VolumeNl,
    as_range,
)
from pump_sim.scenario.file.therapy import Strict

FlagName = Literal["underdose", "withdrawal", "overdose_watch", "overdose"]
ModeName = Literal["stopped", "minimum_rate", "simple_continuous", "flex", "periodic_bolus"]


class Expectation(Strict):
    """Something that must be so."""

    subject: ClassVar[str]

    because: StrictStr = Field(
        default="", description="Why, or by which source; shown where it is unmet."
    )


# --- What happens at a moment --------------------------------------------------------------------


class Event(Expectation):
    """Something that must happen, or must not.

    Exactly one of `at`, `by`, `between` and `never` says when. An alarm or a flag that is there
    when the scenario begins counts as raised at its start. Only what happens from `after` on
    counts; the first such event is judged, or with `count` that there are exactly so many until
    `by`, or until the end.
    """

    at_ms: TimeMs | None = Field(default=None, alias="at")
    within_ms: DurationMs = Field(
        default=1_000, alias="within", description="How far from `at` is near enough. Default: 1 s."
    )
    by_ms: TimeMs | None = Field(default=None, alias="by")
    between_ms: tuple[TimeMs, TimeMs] | None = Field(default=None, alias="between")
    never: Literal[True] | None = None
    after_ms: TimeMs = Field(default=0, alias="after")
    until_ms: TimeMs | None = Field(
        default=None, alias="until", description="Of `never`: until when. Default: the end."
    )
    count: Annotated[StrictInt, Field(ge=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _one_way_to_say_when(self) -> Self:
        ways = {
            "at": self.at_ms,
            "by": self.by_ms,
            "between": self.between_ms,
            "never": self.never,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1 or (not given and self.count is None):
            raise PydanticCustomError(
                "one_of", "exactly one of at, by, between and never is wanted"
            )
        if self.until_ms is not None and not self.never:
            raise PydanticCustomError("one_of", "until goes with never; give by or between")
        if self.count is not None and given not in ([], ["by"]):
            raise PydanticCustomError("one_of", "count goes with by, or alone")
        return self


class AlarmEvent(Event):
    """An alarm is raised, or its condition goes."""

    subject = "alarm"
    alarm: AlarmName
    change: Literal["raised", "cleared"] = "raised"


class LogEvent(Event):
    """A record of the therapy log."""

    subject = "log"
    log: StrictStr = Field(description="Name of the event, as motor_recovered.")
    a: StrictInt | None = Field(default=None, description="What its first parameter must be.")
    b: StrictInt | None = Field(default=None, description="What its second parameter must be.")


class AccessEvent(Event):
    """The pump noted in its access log who asked, or whom it refused; each time counts."""

    subject = "access"
    access: Literal[
        "interrogated", "refused", "sequence_misused", "authenticated", "authentication_failed",
        "not_authentic", "paired", "emergency_asked",
    ] = Field(description="Name of the event.")  # fmt: skip
    refused: StrictStr | None = Field(
        default=None, description="The code with which the pump refused. Default: any, or none."
    )


class FlagEvent(Event):
    """The made-up patient begins to show a flag."""

    subject = "flag"
    flag: FlagName


# --- What has a value at every moment ------------------------------------------------------------


class Value(Expectation):
    """A value at one moment, or all the time from one to another.

    It counts from after what is done at `from` until before what is done at `until`; in between it
    is looked at whenever something happens, and before and after each act.
    """

    at_ms: TimeMs | None = Field(default=None, alias="at")
    from_ms: TimeMs | None = Field(default=None, alias="from")
    until_ms: TimeMs | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def _at_or_from_until(self) -> Self:
        if (self.at_ms is None) == (self.from_ms is None) or (
            (self.from_ms is None) != (self.until_ms is None)
        ):
            raise PydanticCustomError("one_of", "either at, or from and until are wanted")
        if self.from_ms is not None and self.until_ms is not None and self.from_ms > self.until_ms:
            raise PydanticCustomError("one_of", "from lies after until")
        return self


class Ranged(Expectation):
    """A value that must lie in a range, which includes its ends, in the whole units of its kind."""

    wanted: tuple[int, int]


class BelievedVolume(Ranged, Value):
    """What the pump believes that its reservoir holds."""

    subject = "believed_volume"
    wanted: Annotated[tuple[VolumeNl, VolumeNl], BeforeValidator(as_range)] = Field(
        alias="believed_volume"
    )


class ActualVolume(Ranged, Value):
    """What the reservoir holds."""

    subject = "actual_volume"
    wanted: Annotated[tuple[VolumeNl, VolumeNl], BeforeValidator(as_range)] = Field(
        alias="actual_volume"
    )


class BelievedRate(Ranged, Value):
    """What the pump believes to infuse."""

    subject = "believed_rate"
    wanted: Annotated[tuple[RateNlPerDay, RateNlPerDay], BeforeValidator(as_range)] = Field(
        alias="believed_rate"
    )


class ActualRate(Ranged, Value):
    """What leaves the reservoir."""

    subject = "actual_rate"
    wanted: Annotated[tuple[RateNlPerDay, RateNlPerDay], BeforeValidator(as_range)] = Field(
        alias="actual_rate"
    )


class PrescribedDose(Ranged, Value):
    """The daily dose of the prescription in force."""

    subject = "prescribed_dose"
    wanted: Annotated[tuple[DailyDoseNg, DailyDoseNg], BeforeValidator(as_range)] = Field(
        alias="prescribed_dose"
    )


class TipDose(Ranged, Value):
    """The dose of a day that comes out at the tip of the catheter just then."""

    subject = "tip_dose"
    wanted: Annotated[tuple[DailyDoseNg, DailyDoseNg], BeforeValidator(as_range)] = Field(
        alias="tip_dose"
    )


class Received(Ranged):
    """The dose that came out at the tip between two moments."""

    subject = "received"
    wanted: Annotated[tuple[DoseNg, DoseNg], BeforeValidator(as_range)] = Field(alias="received")
    from_ms: TimeMs = Field(default=0, alias="from")
    until_ms: TimeMs = Field(alias="until")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ms >= self.until_ms:
            raise PydanticCustomError("one_of", "from must lie before until")
        return self


class ModeIs(Value):
    """The infusion mode."""

    subject = "mode"
    mode: ModeName


class Effect(Ranged, Value):
    """The drug effect, in percent of what the prescription would give undisturbed."""

    subject = "effect"
    wanted: Annotated[tuple[SharePpm, SharePpm], BeforeValidator(as_range)] = Field(alias="effect")


class Csf(Ranged, Value):
    """The concentration in the spinal fluid."""

    subject = "csf"
    wanted: Annotated[
        tuple[ConcentrationNgPerMl, ConcentrationNgPerMl], BeforeValidator(as_range)
    ] = Field(alias="csf")


class Flags(Value):
    """The flags that the patient shows, exactly."""

    subject = "flags"
    flags: tuple[FlagName, ...]


class ActiveAlarms(Value):
    """The alarms that are active, exactly."""

    subject = "alarms"
    alarms: tuple[AlarmName, ...]


class Tone(Value):
    """The tone that sounds again and again just then, and how often."""

    subject = "tone"
    tone: Literal["critical", "non_critical", "none"]
    every_ms: DurationMs | None = Field(default=None, alias="every")


class DeliveredRatio(Ranged, Value):
    """Of the last fill: what was delivered since the fill before, of what should have been."""

    subject = "delivered_ratio"
    wanted: Annotated[tuple[SharePpm, SharePpm], BeforeValidator(as_range)] = Field(
        alias="delivered_ratio"
    )


EXPECTATIONS: Final[Mapping[str, type[Expectation]]] = {
    each.subject: each
    for each in (
        AlarmEvent, LogEvent, AccessEvent, FlagEvent, BelievedVolume, ActualVolume, BelievedRate,
        ActualRate, PrescribedDose, TipDose, Received, ModeIs, Effect, Csf, Flags, ActiveAlarms,
        Tone, DeliveredRatio,
    )
}  # fmt: skip
"""The kinds of expectation by the key that says which it is."""


def _kind(given: object) -> str | None:
    if not isinstance(given, dict):
        return type(given).__name__
    subjects = [each for each in EXPECTATIONS if each in given]
    return EXPECTATIONS[subjects[0]].__name__ if len(subjects) == 1 else None


AnyExpectation = Annotated[
    Annotated[AlarmEvent, Tag("AlarmEvent")]
    | Annotated[LogEvent, Tag("LogEvent")]
    | Annotated[AccessEvent, Tag("AccessEvent")]
    | Annotated[FlagEvent, Tag("FlagEvent")]
    | Annotated[BelievedVolume, Tag("BelievedVolume")]
    | Annotated[ActualVolume, Tag("ActualVolume")]
    | Annotated[BelievedRate, Tag("BelievedRate")]
    | Annotated[ActualRate, Tag("ActualRate")]
    | Annotated[PrescribedDose, Tag("PrescribedDose")]
    | Annotated[TipDose, Tag("TipDose")]
    | Annotated[Received, Tag("Received")]
    | Annotated[ModeIs, Tag("ModeIs")]
    | Annotated[Effect, Tag("Effect")]
    | Annotated[Csf, Tag("Csf")]
    | Annotated[Flags, Tag("Flags")]
    | Annotated[ActiveAlarms, Tag("ActiveAlarms")]
    | Annotated[Tone, Tag("Tone")]
    | Annotated[DeliveredRatio, Tag("DeliveredRatio")],
    Discriminator(_kind),
]
