"""What happens in a scenario because somebody does it, or because something breaks.

One key says who acts: ``hands`` for what is done to the pump or the patient, ``programmer`` for
what goes over the wire, ``fault`` and ``clear`` for what breaks in the pump, ``link`` for what
breaks on the wire. How each is carried out is not known here.
"""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Discriminator, Field, StrictBool, StrictInt, StrictStr, Tag

from pump_sim.scenario.file.kinds import ProfileName
from pump_sim.scenario.file.link_rules import LinkRule
from pump_sim.scenario.file.quantities import (
    ConcentrationNgPerMl,
    DailyDoseNg,
    DoseNg,
    DurationMs,
    LocalMs,
    TimeMs,
    VolumeNl,
)
from pump_sim.scenario.file.therapy import Strict, Therapy

AlarmName = Literal[
    "low_reservoir", "empty_reservoir", "eri", "eos", "motor_stall", "stopped_too_long",
    "critical_memory_error", "memory_error", "safe_state", "update_incomplete",
    "replacement_planned", "emergency_action",
]  # fmt: skip

RoleName = Literal["observer", "patient", "clinician", "service"]


class Act(Strict):
    """One thing that happens at one moment."""

    family: ClassVar[str]

    time_ms: TimeMs = Field(alias="time")
    note: StrictStr = Field(
        default="", description="Why this is done; for people who read the file."
    )


# --- Hands: outside the wire ---------------------------------------------------------------------


class Hands(Act):
    """Something done to the pump or the patient, which the pump may or may not notice."""

    family = "hands"


class Fill(Hands):
    """Draw out what the reservoir holds, compare it with what the pump believes, and fill it."""

    hands: Literal["fill"]
    volume_nl: VolumeNl = Field(alias="volume", description="Usable volume afterwards.")
    concentration_ng_per_ml: ConcentrationNgPerMl | None = Field(
        default=None, alias="concentration", description="In the syringe. Default: as prescribed."
    )
    rinsed: StrictBool = True


class FillPocket(Hands):
    """Miss the port: the syringe goes beside the pump, and the reservoir stays as it is."""

    hands: Literal["fill_pocket"]
    volume_nl: VolumeNl = Field(alias="volume")


class InjectCatheter(Hands):
    """Inject through the catheter access port, past the pump, straight into the catheter."""

    hands: Literal["inject_catheter"]
    volume_nl: VolumeNl = Field(alias="volume")
    concentration_ng_per_ml: ConcentrationNgPerMl = Field(alias="concentration")
    duration_ms: DurationMs = Field(default=60_000, alias="over", description="Default: 1 min.")
    aspirated: StrictBool = Field(
        default=False, description="Whether the drug in the catheter was drawn out first."
    )


class Mri(Hands):
    """A scan: the field stops the motor, which turns again some time after it."""

    hands: Literal["mri_scan"]
    field_ms: DurationMs = Field(default=45 * 60_000, alias="field", description="Default: 45 min.")
    recovery_ms: DurationMs = Field(default=0, alias="recovery")
    registered_after: Annotated[StrictInt, Field(ge=0, le=2)] = 1
    latches_telemetry: StrictBool = False


class Press(Hands):
    """The patient presses the button that asks for a bolus."""

    hands: Literal["press"]
    refused: StrictStr | None = Field(
        default=None, description="The code for which the pump must refuse. Default: it must not."
    )


class Head(Hands):
    """Lay the programming head on the pump, or lift it off and take it out of reach.

    The same as `proximity` with `on_pump = true`, or with `in_reach = false`.
    """

    hands: Literal["lay_head", "lift_head"]


class Proximity(Hands):
    """Bring the programming head within reach of the pump or out of it, lay it on or lift it off.

    Out of reach, the pump hears no byte and sends none. Only while it lies on the pump, a pairing
    code holds and emergency access is given. What lies on the pump is within reach, and what is
    out of reach does not lie on it. At the start it is within reach, and does not lie on the pump.
    """

    hands: Literal["proximity"]
    in_reach: StrictBool | None = Field(
        default=None, description="Whether the head is within reach. Default: as it is."
    )
    on_pump: StrictBool | None = Field(
        default=None, description="Whether the head lies on the pump. Default: as it is."
    )


class Button(Hands):
    """Press the button of the programming head: that somebody wants what comes next.

    It counts only while the head lies on the pump, and no longer once that is lifted off.
    """

    hands: Literal["button"]


class Explant(Hands):
    """Take the pump out. The catheter and the patient stay."""

    hands: Literal["explant"]


class Implant(Hands):
    """Put a new pump in: at the catheter that is there, filled and running as prescribed.

    `replace` takes out the one that is there first.
    """

    hands: Literal["implant", "replace"]
    profile: ProfileName | None = Field(default=None, description="Default: as the pump before.")
    serial_number: Annotated[StrictStr, Field(min_length=1, max_length=32)]
    volume_nl: VolumeNl | None = Field(default=None, alias="volume", description="Default: full.")
    flow_factor_ppm: Annotated[StrictInt, Field(ge=0, le=10_000_000)] = 1_000_000
    prescription: Therapy | Literal["as_before"] = Field(
        default="as_before",
        description="What it runs. Default: what the pump before it had in force.",
    )


# --- The programmer: over the wire ---------------------------------------------------------------


class ByProgrammer(Act):
    """Something that is sent over the wire, with a key or by somebody who has none."""

    family = "programmer"

    refused: StrictStr | None = Field(
        default=None, description="The code for which the pump must refuse. Default: it must not."
    )
    outcome: Literal["done", "refused", "unknown", "no_answer", "cut"] | None = Field(
        default=None,
        description="What must come of it. Default: done, refused if `refused` is given.",
    )


class WithKey(ByProgrammer):
    """Something done with a programmer that opens a link, with the key of a role."""

    role: RoleName = Field(
        default="clinician",
        description="Whose key the programmer has. Default: `clinician`. A legacy-insecure pump"
        " asks for none.",
    )


class Interrogate(WithKey):
    """Read status, prescription and logs."""

    programmer: Literal["interrogate"]


class Program(WithKey, Therapy):
    """Stage, check the echo, commit, read back. What is not given stays as it is."""

    programmer: Literal["program"]
    bridge_nl: VolumeNl | Literal["none"] | None = Field(
        default=None, alias="bridge", description="Volume to clear of the old drug, or `none`."
    )
    confirm_dose_ng: DailyDoseNg | None = Field(
        default=None, alias="confirm_dose", description="The highest dose of a day, once more."
    )
    cut: Literal["open", "stage", "commit"] | None = Field(
        default=None,
        description="After which exchange the programmer is gone for good; of `commit` the pump"
        " hears the request, and the answer is lost.",
    )


class Stop(WithKey):
    """Program the mode STOPPED."""

    programmer: Literal["stop"]


class RollBack(WithKey):
    """Drop what is staged."""

    programmer: Literal["roll_back"]


class Bolus(WithKey):
    """Order a single bolus."""

    programmer: Literal["bolus"]
    dose_ng: DoseNg = Field(alias="dose")
    duration_ms: DurationMs = Field(alias="over")
    cut: Literal["open", "order"] | None = None


class Priming(WithKey):
    """Order a priming bolus."""

    programmer: Literal["priming"]
    volume_nl: VolumeNl = Field(alias="volume")
    duration_ms: DurationMs = Field(alias="over")
    cut: Literal["open", "order"] | None = None


class AbortBolus(WithKey):
    """End the running bolus."""

    programmer: Literal["abort_bolus"]


class PatientBolusByHandset(WithKey):
    """Ask for the patient's bolus with a handset, over the wire."""

    programmer: Literal["patient_bolus"]


class Refill(WithKey):
    """Tell the pump what the reservoir holds: it believes it."""

    programmer: Literal["refill"]
    volume_nl: VolumeNl = Field(alias="volume")
    cut: Literal["open", "order"] | None = None


class Acknowledge(WithKey):
    """Say that a person has seen an alarm."""

    programmer: Literal["acknowledge"]
    alarm: AlarmName


class Silence(WithKey):
    """Hold the tone of an alarm."""

    programmer: Literal["silence"]
    alarm: AlarmName
    duration_ms: DurationMs = Field(alias="for")


class SetClock(WithKey):
    """Set the pump's local clock."""

    programmer: Literal["set_clock"]
    clock_ms: LocalMs = Field(alias="clock")


class SelfTest(WithKey):
    """Let the pump check itself."""

    programmer: Literal["self_test"]


class WriteNote(WithKey):
    """Keep a text on the pump."""

    programmer: Literal["note"]
    text: StrictStr


class Pair(WithKey):
    """Ask for the key of `role` with a one-time code. It needs the programming head on the pump."""

    programmer: Literal["pair"]
    code: Literal["shown", "wrong"] = "shown"


class Emergency(ByProgrammer):
    """Emergency access: no key, but the programming head on the pump and its button pressed."""

    programmer: Literal["emergency"]
    what: Literal["status", "minimum_rate", "stop"]


class Attack(ByProgrammer):
    """What somebody who listens can send: a captured frame, as it was or with its CRC mended.

    `message` names the request whose latest frame is taken. `replay` sends it as it was, `reorder`
    the one before it, `reflect` the pump's answer to it, as a request of that name. `forge` flips
    `bit` of what the message says; if it is sealed, of its ciphertext.
    """

    programmer: Literal["replay", "forge", "reflect", "reorder"]
    message: StrictStr
    bit: Annotated[StrictInt, Field(ge=0, le=8 * 2048 - 1)] = 0
    fresh: StrictBool = Field(
        default=False,
        description="Whether its header is made that of the next frame of the link, as whoever"
        " listens can do it; of what begins a link, with a link id of its own.",
    )


# --- What breaks ---------------------------------------------------------------------------------


class Break(Act):
    """Something in the pump breaks, now, until it is cleared or for a time.

    All other keys are what the fault takes (docs/reference/faults.md).
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    family = "fault"

    fault: StrictStr
    for_ms: DurationMs | None = Field(default=None, alias="for")

    @property
    def parameters(self) -> dict[str, Any]:
        """What the fault is given."""
        return dict(self.model_extra or {})


class Clear(Act):
    """All faults of a name are over, or do not begin."""

    family = "clear"

    clear: StrictStr


class OnLink(Act, LinkRule):
    """Something on the wire goes wrong from now on; `clear_link` ends all of that."""

    family = "link"


class ClearLink(Act):
    """Nothing on the wire goes wrong any more."""

    family = "link"

    link: Literal["clear"]


# --- Which of them -------------------------------------------------------------------------------

FAMILIES: Final = ("hands", "programmer", "fault", "clear", "link")
"""The keys that say who acts; an act has exactly one of them."""

KINDS: Final[dict[str, dict[str, type[Act]]]] = {
    "hands": {
        "fill": Fill,
        "fill_pocket": FillPocket,
        "inject_catheter": InjectCatheter,
        "mri_scan": Mri,
        "press": Press,
        "lay_head": Head,
        "lift_head": Head,
        "proximity": Proximity,
        "button": Button,
        "explant": Explant,
        "implant": Implant,
        "replace": Implant,
    },
    "programmer": {
        "interrogate": Interrogate,
        "program": Program,
        "stop": Stop,
        "roll_back": RollBack,
        "bolus": Bolus,
        "priming": Priming,
        "abort_bolus": AbortBolus,
        "patient_bolus": PatientBolusByHandset,
        "refill": Refill,
        "acknowledge": Acknowledge,
        "silence": Silence,
        "set_clock": SetClock,
        "self_test": SelfTest,
        "note": WriteNote,
        "pair": Pair,
        "emergency": Emergency,
        "replay": Attack,
        "forge": Attack,
        "reflect": Attack,
        "reorder": Attack,
    },
}
"""The kinds of act of the families whose key's value says which it is."""


def _kind(given: object) -> str | None:
    """The tag of an act: its class; None, which pydantic refuses, where no key tells it."""
    if not isinstance(given, dict):
        return type(given).__name__
    families = [each for each in FAMILIES if each in given]
    if len(families) != 1:
        return None
    family, value = families[0], given[families[0]]
    if family == "fault":
        return "Break"
    if family == "clear":
        return "Clear"
    if family == "link":
        return "ClearLink" if value == "clear" else "OnLink"
    kind = KINDS[family].get(value) if isinstance(value, str) else None
    return None if kind is None else kind.__name__


AnyAct = Annotated[
    Annotated[Fill, Tag("Fill")]
    | Annotated[FillPocket, Tag("FillPocket")]
    | Annotated[InjectCatheter, Tag("InjectCatheter")]
    | Annotated[Mri, Tag("Mri")]
    | Annotated[Press, Tag("Press")]
    | Annotated[Head, Tag("Head")]
    | Annotated[Proximity, Tag("Proximity")]
    | Annotated[Button, Tag("Button")]
    | Annotated[Explant, Tag("Explant")]
    | Annotated[Implant, Tag("Implant")]
    | Annotated[Interrogate, Tag("Interrogate")]
    | Annotated[Program, Tag("Program")]
    | Annotated[Stop, Tag("Stop")]
    | Annotated[RollBack, Tag("RollBack")]
    | Annotated[Bolus, Tag("Bolus")]
    | Annotated[Priming, Tag("Priming")]
    | Annotated[AbortBolus, Tag("AbortBolus")]
    | Annotated[PatientBolusByHandset, Tag("PatientBolusByHandset")]
    | Annotated[Refill, Tag("Refill")]
    | Annotated[Acknowledge, Tag("Acknowledge")]
    | Annotated[Silence, Tag("Silence")]
    | Annotated[SetClock, Tag("SetClock")]
    | Annotated[SelfTest, Tag("SelfTest")]
    | Annotated[WriteNote, Tag("WriteNote")]
    | Annotated[Pair, Tag("Pair")]
    | Annotated[Emergency, Tag("Emergency")]
    | Annotated[Attack, Tag("Attack")]
    | Annotated[Break, Tag("Break")]
    | Annotated[Clear, Tag("Clear")]
    | Annotated[OnLink, Tag("OnLink")]
    | Annotated[ClearLink, Tag("ClearLink")],
    Discriminator(_kind),
]
