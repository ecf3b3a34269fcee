"""The normative page is true: its clauses exist, its examples happen, its refusals are complete.

That its tables are the code's is checked with all generated parts, in tests/docs/test_reference.py.
"""

import importlib.util
import json
import re
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.codes import (
    MAX_PAYLOAD_BYTES,
    AlarmClass,
    BolusKind,
    BridgeDecision,
    Field,
    MassUnit,
    MessageType,
    Mode,
    RefusalCode,
    Weekday,
)
from pump_protocol.frames import Frame
from pump_protocol.payloads import decode_response, encode, prescription_digest
from pump_protocol.reckoning import dose_totals
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation

from .links import frames_in
from .strategies import MESSAGE_CLASSES, messages

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "wire-protocol.md").read_text("utf-8")
CLAUSE = re.compile(r"\b(?:FRAME|LINK|SEQ|MSG|TIME|PROG|ORDER|ALARM|LOG|CLOCK|REF|SEC)-\d\d\b")
DAY_MS = 86_400_000


def tool(name: str) -> ModuleType:
    """A module of tools/ that imports no other of them."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- The page ------------------------------------------------------------------------------------


def defined_clauses() -> list[str]:
    return re.findall(r"^\*\*([A-Z]+-\d\d)\.\*\*", PAGE, re.MULTILINE)


def test_clause_ids_are_unique_and_without_gaps() -> None:
    clauses = defined_clauses()
    assert [each for each, count in Counter(clauses).items() if count > 1] == []
    numbers: dict[str, list[int]] = {}
    for clause in clauses:
        family, number = clause.split("-")
        numbers.setdefault(family, []).append(int(number))
    for family, found in numbers.items():
        assert found == list(range(1, len(found) + 1)), family
    assert len(numbers) == 12


def test_every_clause_that_is_named_anywhere_exists() -> None:
    places = [
        *(ROOT / "tools").glob("*.py"),
        *(ROOT / "protocol").rglob("*.json"),
        *(ROOT / "protocol").rglob("*.py"),
        *(ROOT / "tests" / "protocol").glob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
    ]
    known = set(defined_clauses())
    for path in places:
        unknown = set(CLAUSE.findall(path.read_text("utf-8"))) - known
        assert not unknown, f"{path.relative_to(ROOT)} names {sorted(unknown)}"


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE
    )
    anchors = [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings]
    assert [each for each, count in Counter(anchors).items() if count > 1] == []
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= set(anchors)


@pytest.mark.parametrize("message_class", MESSAGE_CLASSES, ids=lambda each: each.__name__)
def test_every_message_has_its_byte_table(message_class: type[m.Message]) -> None:
    assert f"\n#### {message_class.__name__}\n" in PAGE


def test_the_tables_are_aligned() -> None:
    """Every row of a Markdown table has as many cells as its head."""
    for block in re.findall(r"(?:^\|.*\|$\n)+", PAGE, re.MULTILINE):
        cells = {line.count("|") for line in block.splitlines()}
        assert len(cells) == 1, block[:200]


# --- The examples --------------------------------------------------------------------------------


def vp_20(daily_dose_ng: int = 100_000) -> PumpEndpoint:
    """The pump that the worked examples show, on its first day."""
    prescription = simple_continuous(
        drug_name="baclofen", concentration_ng_per_ml=500_000, daily_dose_ng=daily_dose_ng
    )
    pump = Pump.implant(load_profile("pump-20ml"), prescription, clock_local_ms=1_788_249_600_000)
    return PumpEndpoint(Simulation(pump))


@pytest.mark.parametrize(("story", "frames"), [("story", 16), ("story-of-schedules", 24)])
def test_the_simulator_answers_the_worked_examples_byte_for_byte(story: str, frames: int) -> None:
    endpoint = vp_20()
    endpoint.jump_to(10 * DAY_MS, 0)
    shown = re.search(rf"<!-- generated: {story} -->(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert shown is not None
    blocks = re.findall(r"```text\n(.*?)```", shown[1], re.DOTALL)
    said = [bytes.fromhex(each) for each in blocks]
    assert len(said) == frames
    for request, response in zip(said[::2], said[1::2], strict=True):
        assert endpoint.receive_data(request, 0) == response


def test_the_worked_examples_are_golden_vectors() -> None:
    text = (files("pump_protocol") / "vectors" / "messages.json").read_text("utf-8")
    golden = {bytes.fromhex(case["frame"]) for case in json.loads(text)["vectors"]}
    shown = PAGE[PAGE.index("## 18.") :]
    for block in re.findall(r"```text\n((?:[0-9a-f]{2}[ \n])+)```", shown):
        assert bytes.fromhex(block) in golden


# --- The table of refusals -----------------------------------------------------------------------

REQUESTS = tuple(each for each in MESSAGE_CLASSES if each.message_type < 0x80)
WORDS = tool("wire_words")


def near(*values: int) -> st.SearchStrategy[int]:
    """Values at, just below and just above those that matter."""
    return st.sampled_from(sorted({max(0, each + by) for each in values for by in (-1, 0, 1)}))


DRUGS = st.builds(
    m.Drug,
    st.sampled_from(MassUnit),
    near(0, 1_000, 500_000, 2_000_000, 100_000_000),
    st.sampled_from(["", "baclofen", "other", "x" * 33, "\n"]),
)
GOOD_DRUG = m.Drug(MassUnit.MICROGRAM, 500_000, "baclofen")
GOOD = m.Prescription(Mode.SIMPLE_CONTINUOUS, (GOOD_DRUG,), 120_000, 240_000, 2_000_000)
STEPS = st.builds(m.Step, near(0, 480, 1_440), near(6_000, 48_000, 200_000, 24_000_000))
DAYS = st.builds(
    m.DayPattern,
    st.sampled_from([Weekday(127), Weekday(31), Weekday(96), Weekday(0)]),
    st.lists(STEPS, max_size=3).map(tuple) | st.just((m.Step(0, 240_000),)),
)
WHOLE_WEEK = (m.DayPattern(Weekday(127), (m.Step(0, 240_000),)),)
DURATIONS = near(0, 60_000, 600_000, 3_600_000, 86_400_000)
PERIODIC = st.builds(
    m.PeriodicBolus,
    near(0, 6_000, 48_000, 24_000_000),
    near(0, 10_000, 500_000),
    near(0, 20_000, 1_000_000),
    DURATIONS,
    near(0, 60_000, 8 * 3_600_000, 7 * DAY_MS),
    near(0, 3_600_000, 7 * DAY_MS),
)
GOOD_PERIODIC = m.PeriodicBolus(180_000, 10_000, 20_000, 600_000, DAY_MS // 3, 0)
PATIENT = st.builds(
    m.PatientBolus,
    near(0, 5_000, 500_000),
    near(0, 10_000),
    DURATIONS,
    near(0, 60_000, 7_200_000, 7 * DAY_MS),
    near(0, 4, 24),
)
GOOD_PATIENT = m.PatientBolus(5_000, 10_000, 300_000, 7_200_000, 4)
BRIDGES = st.builds(
    m.Bridge,
    near(0, 340_000, 1_000_000),
    near(0, 48_000, 240_000, 24_000_000),
    near(0, 122_400_000, 30 * DAY_MS),
)


def none_or_some(good: object, any_: st.SearchStrategy[object]) -> st.SearchStrategy[Any]:
    return st.sampled_from([(), (good,)]) | st.lists(any_, max_size=2).map(tuple)


PRESCRIPTIONS = st.builds(
    m.Prescription,
    st.sampled_from(Mode),
    st.just((GOOD_DRUG,)) | st.lists(DRUGS, max_size=4).map(tuple),
    near(0, 3_000, 100_000, 120_000, 2_000_000),
    near(0, 6_000, 48_000, 200_000, 240_000, 24_000_000),
    near(0, 2_000_000, 10_000_000),
    st.sampled_from([(), WHOLE_WEEK]) | st.lists(DAYS, max_size=3).map(tuple),
    none_or_some(GOOD_PERIODIC, PERIODIC),
    none_or_some(GOOD_PATIENT, PATIENT),
    st.sampled_from(BridgeDecision),
    none_or_some(m.Bridge(340_000, 240_000, 122_400_000), BRIDGES),
)
STRONGER = (replace(GOOD_DRUG, concentration_ng_per_ml=2_000_000),)
ACCEPTED = (
    GOOD,
    replace(GOOD, daily_dose_ng=1_500_000, rate_nl_per_day=3_000_000),
    replace(GOOD, mode=Mode.STOPPED, daily_dose_ng=0, rate_nl_per_day=0),
    replace(GOOD, mode=Mode.MINIMUM_RATE, daily_dose_ng=3_000, rate_nl_per_day=6_000),
    replace(GOOD, mode=Mode.FLEX, days=WHOLE_WEEK),
    replace(GOOD, mode=Mode.PERIODIC_BOLUS, periodic_boluses=(GOOD_PERIODIC,)),
    replace(GOOD, patient_boluses=(GOOD_PATIENT,)),
    replace(GOOD, drugs=STRONGER, rate_nl_per_day=60_000, bridge_decision=BridgeDecision.DECLINED),
    replace(
        GOOD,
        drugs=STRONGER,
        rate_nl_per_day=60_000,
        bridge_decision=BridgeDecision.BRIDGE,
        bridges=(m.Bridge(340_000, 240_000, 122_400_000),),
    ),
)
"""Prescriptions that the pump of the examples takes, as long as it has the drug it began with."""

PLAUSIBLE = st.one_of(
    messages(REQUESTS),
    st.builds(m.StagePrescription, PRESCRIPTIONS).filter(
        lambda request: len(encode(request)) <= MAX_PAYLOAD_BYTES
    ),
    st.builds(m.StagePrescription, st.sampled_from(ACCEPTED)),
    st.builds(
        m.OrderBolus,
        st.integers(0, 6),
        st.sampled_from(BolusKind),
        near(0, 50_000, 500_000),
        near(0, 500_000),
        near(0, 100_000, 1_000_000),
        DURATIONS,
    ),
    st.builds(
        m.OrderBolus,
        st.integers(1, 9),
        st.sampled_from([BolusKind.SINGLE, BolusKind.PRIMING]),
        *map(st.just, (50_000, 500_000, 100_000, 600_000)),
    ),
    st.builds(m.RequestPatientBolus, st.integers(0, 12)),
    st.builds(m.UpdateReservoir, st.integers(0, 9), near(0, 1_000_000, 20_000_000)),
    st.builds(m.SetAlarmInterval, st.sampled_from(AlarmClass), near(0, 600_000, 7_200_000)),
    st.builds(m.WriteNote, st.sampled_from(["", "note", "x" * 128, "x" * 129, "\n", "\x1b[2J"])),
    st.sampled_from([request() for request in (m.AbortBolus, m.RollBackPrescription, m.ReadNote)]),
)


@pytest.mark.parametrize("prescription", ACCEPTED, ids=lambda each: each.mode.name)
def test_what_the_clauses_allow_is_staged_and_committed(prescription: m.Prescription) -> None:
    """PROG-18 to PROG-31; the totals are those that PROG-25 defines (REQ-04)."""
    endpoint = vp_20(120_000)

    def ask(sequence: int, request: m.Message) -> m.Response:
        frame = Frame(request.message_type, 9, sequence, encode(request)).to_bytes()
        (answer,) = frames_in(endpoint.receive_data(frame, 0))
        return decode_response(answer.message_type, answer.payload)

    assert isinstance(ask(1, m.OpenLink(1)), m.LinkOpened)
    staged = ask(2, m.StagePrescription(prescription))
    assert isinstance(staged, m.PrescriptionStaged), staged
    assert staged.prescription == prescription
    assert staged.digest == prescription_digest(2, prescription)
    assert staged.totals == dose_totals(prescription)
    assert staged.must_confirm is (staged.totals.with_patient_ng > 1_000_000)
    if staged.must_confirm:
        refused = ask(3, m.CommitPrescription(staged.digest))
        assert isinstance(refused, m.Refusal)
        assert [(each.code, each.field) for each in refused.reasons] == [
            (RefusalCode.NOT_CONFIRMED, Field.HIGHEST_DAILY_DOSE)
        ]
    confirmed = staged.totals.with_patient_ng if staged.must_confirm else None
    committed = ask(4, m.CommitPrescription(staged.digest, confirmed))
    assert isinstance(committed, m.PrescriptionCommitted), committed


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_no_request_is_refused_for_what_the_table_does_not_name(data: st.DataObject) -> None:
    """REQ-26: whatever is asked, in whatever order and at whatever time, the answer is defined."""
    endpoint = vp_20()
    sequence = 1
    pending: tuple[bytes, int | None] = bytes(32), None
    open_link = Frame(MessageType.OPEN_LINK, 9, 1, bytes(8)).to_bytes()
    assert frames_in(endpoint.receive_data(open_link, 0))[0].message_type == MessageType.LINK_OPENED
    for _ in range(data.draw(st.integers(1, 12))):
        jump_days = data.draw(st.sampled_from([0, 0, 0, 1, 100, 3000]))
        if jump_days:
            endpoint.jump_to(endpoint.simulation.now_ms + jump_days * DAY_MS, 0)
        request = data.draw(PLAUSIBLE | st.just(m.CommitPrescription(*pending)))
        sequence += 1
        frame = Frame(request.message_type, 9, sequence, encode(request))
        (answer,) = frames_in(endpoint.receive_data(frame.to_bytes(), 0))
        response = decode_response(answer.message_type, answer.payload)
        if isinstance(response, m.PrescriptionStaged):
            confirmed = response.totals.with_patient_ng if response.must_confirm else None
            pending = response.digest, confirmed
        if isinstance(response, m.LinkClosed):
            return
        if not isinstance(response, m.Refusal):
            assert type(response) is m.REQUESTS[request.message_type].response_class
            continue
        documented = WORDS.REFUSALS[request.message_type] + WORDS.ANY_REQUEST
        allowed = {(code, field) for code, field, _ in documented}
        for reason in response.reasons:
            assert (reason.code, reason.field) in allowed, f"{request} refused for {reason}"


def test_every_refusal_code_is_documented_for_some_request() -> None:
    named = {code for reasons in WORDS.REFUSALS.values() for code, _, _ in reasons}
    assert named | {code for code, _, _ in WORDS.ANY_REQUEST} == set(RefusalCode)
