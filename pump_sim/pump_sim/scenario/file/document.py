"""A whole scenario as data: what its file says, typed. It reads no file."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from pump_sim.scenario.file.acts import AnyAct
from pump_sim.scenario.file.expectations import AnyExpectation
from pump_sim.scenario.file.kinds import ProfileName
from pump_sim.scenario.file.link_rules import LinkRule
from pump_sim.scenario.file.quantities import DurationMs, LocalMs, TimeMs, VolumeNl
from pump_sim.scenario.file.therapy import Strict, Therapy

User = Literal["trainer", "developer", "ci"]
Slug = Annotated[StrictStr, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=48)]


class Say(Strict):
    """What is told to the people who watch."""

    time_ms: TimeMs = Field(alias="time")
    text: StrictStr
    aloud: StrictBool = Field(
        default=False,
        description="Whether trainees are told, too: nothing in it but what a programmer reads and"
        " what shows at the bedside.",
    )


class Start(Strict):
    """The pump as it is when the scenario begins."""

    profile: ProfileName = "pump-20ml"
    serial_number: Annotated[StrictStr, Field(min_length=1, max_length=32)] = "SIM-0001"
    implanted: StrictBool = Field(default=True, description="False: it is put in by `hands`.")
    volume_nl: VolumeNl | None = Field(default=None, alias="volume", description="Default: full.")
    flow_factor_ppm: Annotated[StrictInt, Field(ge=0, le=10_000_000)] = 1_000_000
    clock_ms: LocalMs = Field(
        default=1_767_600_000_000,
        alias="clock",
        description="Default: 2026-01-05T08:00:00, a Monday.",
    )
    age_ms: DurationMs = Field(
        default=0, alias="age", description="Since the implant. It was refilled in time until then."
    )
    battery: Literal["drain_and_fail", "drain_only", "no_drain"] = "drain_and_fail"
    patient: Literal["treated", "new"] = "treated"
    security: Literal["authenticated", "legacy-insecure"] = Field(
        default="authenticated",
        description="`legacy-insecure`: no keys, whoever reaches the link may program the pump."
        " Default: `authenticated`.",
    )
    updates: Literal["safe", "historic"] = Field(
        default="safe",
        description="`historic`: staging stops the infusion until the commit, for training."
        " Default: `safe`.",
    )
    state: StrictStr | None = Field(
        default=None,
        description="A file that `pump-sim snapshot` wrote, by its path from the folder of the"
        " scenario; excludes all else but `implanted` and `security`.",
    )

    @property
    def guarded(self) -> bool:
        """Whether the pump has keys."""
        return self.security == "authenticated"

    @property
    def historic(self) -> bool:
        """Whether staging stops the infusion."""
        return self.updates == "historic"


class Block(Strict):
    """What happens, what is told and what must be so; of a scenario, or of one option of a choice.

    All times are since the start of the scenario.
    """

    say: tuple[Say, ...] = ()
    at: tuple[AnyAct, ...] = ()
    expect: tuple[AnyExpectation, ...] = ()
    choice: tuple["Choice", ...] = ()


class Option(Block):
    """One of the things that may be decided."""

    name: Slug
    title: StrictStr


class Choice(Strict):
    """A moment at which an instructor decides how it goes on. `check` tries every option."""

    time_ms: TimeMs = Field(alias="time")
    name: Slug
    ask: StrictStr
    aloud: StrictBool = Field(
        default=False,
        description="Whether trainees see the question and its options: nothing in them tells what"
        " they could not know.",
    )
    option: Annotated[tuple[Option, ...], Field(min_length=2, max_length=9)]


class Scenario(Block):
    """A scenario as its file has it."""

    title: Annotated[StrictStr, Field(min_length=1, max_length=80)]
    summary: StrictStr = ""
    users: tuple[User, ...] = ("trainer", "developer", "ci")
    source: StrictStr = ""
    length_ms: TimeMs = Field(alias="length", description="When it ends.")
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 0
    pump: Start = Start()
    prescription: Therapy = Therapy()
    link: tuple[LinkRule, ...] = Field(
        default=(), description="What goes wrong on the wire all along."
    )
