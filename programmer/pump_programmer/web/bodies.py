"""What pages send: the bodies of requests; what is not named here is refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pump_programmer.typed import Typed

LONGEST_TEXT = 4_000

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


def _nothing_typed(value: object) -> object:
    """An empty field is one in which nothing was typed."""
    return None if isinstance(value, str) and not value.strip() else value


Typable = Annotated[Text | None, BeforeValidator(_nothing_typed)]
Texts = Annotated[list[Text], Field(max_length=16)]
RoleName = Literal["observer", "patient", "clinician", "service"]


class Body(BaseModel):
    """A body with exactly its fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Connect(Body):
    """Of which role the key is to be, among those that are stored."""

    role: RoleName | None = None


class Resolve(Body):
    """Whether to go on without knowing what became of an act."""

    give_up: bool = False


class Pair(Body):
    """The code that the pump shows, and for whom it was shown."""

    code: Text
    role: RoleName = "clinician"


class Program(Body):
    """A prescription as it is typed; what is left out stays as it is."""

    dose: Typable = None
    rate: Typable = None
    minimum_rate: bool = False
    stop: bool = False
    flex: Texts = []
    day_night: Typable = None
    periodic: Typable = None
    basal: Typable = None
    first_in: Typable = None
    patient_bolus: Typable = None
    no_patient_bolus: bool = False
    concentration: Typable = None
    drug: Typable = None
    other_drug: Texts = []
    no_other_drugs: bool = False
    bridge: bool | None = None
    catheter: Typable = None
    low_reservoir: Typable = None
    age: Typable = None
    aetiology: Typable = None
    take_over: bool = False

    @property
    def typed(self) -> Typed:
        """The same for the programmer."""
        given = self.model_dump(exclude={"take_over"})
        for each in ("flex", "other_drug"):
            given[each] = tuple(text for text in given[each] if text.strip())
        return Typed(**given)


class Commit(Body):
    """Which review, and the highest dose of a day where it must be confirmed."""

    review_id: Text
    confirmed_dose: Typable = None


class RollBack(Body):
    """Which review; without it whatever is staged."""

    review_id: Text | None = None


class ReviewedBolus(Body):
    """A bolus that is to be looked at: of a dose, or a priming bolus of a volume."""

    kind: Literal["single", "priming"] = "single"
    dose: Typable = None
    volume: Typable = None
    duration: Typable = None


class ReviewedRefill(Body):
    """A refill that is to be looked at."""

    volume: Typable = None
    aspirated: Typable = None


class Order(Body):
    """What was looked at, and is to be done."""

    review_id: Text


class Silence(Body):
    """For how long."""

    duration: Text = Field(alias="for")


class Tone(Body):
    """Which tone."""

    alarm_class: Text = Field("critical", alias="class")


class Interval(Body):
    """How often the critical tone repeats."""

    interval: Text


class Note(Body):
    """What the note is to say; nothing clears it."""

    text: Text


class Clock(Body):
    """What the clock is to show."""

    time: Text


class Confirmed(Body):
    """That a person has read what will happen."""

    confirmed: bool = False
