"""How a scenario file writes a prescription; what follows from it is the model's business."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from pump_sim.scenario.file.quantities import (
    AnyFlow,
    ConcentrationNgPerMl,
    DailyDoseNg,
    DoseNg,
    DurationMs,
    MinuteOfDay,
    RateNlPerDay,
    VolumeNl,
)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Strict(BaseModel):
    """What is in a file: nothing but what is known, and nothing changes it afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)


class DaySteps(Strict):
    """The steps of the weekdays that share them."""

    days: tuple[Weekday, ...] = WEEKDAYS
    steps: Annotated[
        dict[MinuteOfDay, AnyFlow],
        Field(description='What flows from each local time of day on: {"00:00" = "120 mcg/day"}.'),
    ]


class Periodic(Strict):
    """A bolus that repeats."""

    dose_ng: DoseNg = Field(alias="dose")
    interval_ms: DurationMs = Field(alias="every")
    duration_ms: DurationMs = Field(alias="over")
    basal: AnyFlow | None = Field(default=None, description="What flows besides. Default: nothing.")
    first_after_ms: DurationMs = Field(default=0, alias="first_in")


class PatientBolus(Strict):
    """A bolus that the patient may ask for."""

    dose_ng: DoseNg = Field(alias="dose")
    duration_ms: DurationMs = Field(alias="over")
    lockout_ms: DurationMs = Field(alias="lockout")
    allotted_per_day: Annotated[StrictInt, Field(ge=1, le=255)] = Field(alias="per_day")


class Therapy(Strict):
    """All that can be prescribed; what is not given stays as it is, or has its default.

    At most one of `dose`, `rate`, `mode`, `flex` and `periodic` says what flows.
    """

    drug: StrictStr | None = Field(default=None, description="Name of the drug. Default: baclofen.")
    concentration_ng_per_ml: ConcentrationNgPerMl | None = Field(
        default=None, alias="concentration", description="Default: 2000 mcg/mL."
    )
    daily_dose_ng: DailyDoseNg | None = Field(default=None, alias="dose")
    rate_nl_per_day: RateNlPerDay | None = Field(default=None, alias="rate")
    mode: Literal["minimum_rate", "stopped"] | None = None
    flex: tuple[DaySteps, ...] | None = None
    periodic: Periodic | None = None
    patient_bolus: PatientBolus | Literal["none"] | None = None
    low_reservoir_nl: VolumeNl | None = Field(
        default=None,
        alias="low_reservoir",
        description="Volume at which the pump alarms. Default: 2 mL.",
    )

    @model_validator(mode="after")
    def _one_flow(self) -> Self:
        given = [
            name
            for name, value in (
                ("dose", self.daily_dose_ng),
                ("rate", self.rate_nl_per_day),
                ("mode", self.mode),
                ("flex", self.flex),
                ("periodic", self.periodic),
            )
            if value is not None
        ]
        if len(given) > 1:
            names = " and ".join(given)
            raise PydanticCustomError("one_of", "{names} exclude each other", {"names": names})
        return self
