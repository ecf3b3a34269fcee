"""A session as a report: text, JSON, and one self-contained page."""

import ast
import builtins
import errno
import json
import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pump_programmer import charts, page, report
from pump_programmer.cautions import Caution
from pump_programmer.drawing import drawn
from pump_programmer.files import WholeFile
from pump_programmer.sections import sections
from pump_protocol import codes as c
from pump_protocol import messages as m
from tests.pump_sim.virtual import implanted

from .conftest import IDENTITY, LOW_ALARM, NOW_MS, report_of
from .prescriptions import DAY_MS, HOUR_MS, LOST, flex, periodic, simple, stopped, with_patient
from .virtual_port import VirtualPort

BANNER = "SIMULATOR - never for clinical use"
EVIL = "<script>alert(1)</script>&\"'"
"""29 bytes: a drug's name may have 32."""


@pytest.fixture
def port():
    """A new pump at 300 mcg/day of 2,000 mcg/mL; its clock begins with a Thursday."""
    return VirtualPort(implanted(daily_dose_ng=300_000))


@pytest.fixture
def virtually(run, port, monkeypatch):
    """Run one command against that pump."""
    port.plug_in(monkeypatch)
    return lambda *arguments, typed=None: run("--port", "virtual", *arguments, typed=typed)


def read(programmer, days=30):
    return report.read_report(programmer, printed_clock_ms=0, log_days=days)


def page_of(found):
    return page.html_page(found, [(chart, drawn(chart)) for chart in charts.charts(found)])


# --- Text -----------------------------------------------------------------------------------------


def test_the_text_has_every_part_of_a_session(virtually, port):
    virtually("program", "--patient-bolus", "20 mcg over 5 min lockout 4 h 4 a day", "--yes")
    virtually("note", "--set", "call the ward")
    port.wait(DAY_MS)
    out = virtually("report").out
    for line in (
        BANNER,
        "Serial number     SIM-000001",
        "Pump clock        1970-01-02 00:00:00",
        "In service since  1970-01-01 00:00:00 (1 d)",
        "Daily dose                300 mcg/day",
        "With all patient boluses  380 mcg/day",
        "Infusing now     0.15 mL/day",
        "Patient boluses  4 of 4 in 24 h left",
        "Reservoir            19.85 mL of 20 mL, as the pump believes",
        "Low-reservoir alarm  1970-",
        "Empty                1970-05-14 08:00:00 (in 132 d 8 h)",
        "No alarms.",
        "Replacement due (ERI)  19",
        "call the ward",
        "Therapy log since 1970-01-01 00:00:00",
        "service began with 20 mL at 0.15 mL/day",
        "committed: 0.15 mL/day became 0.15 mL/day",
    ):
        assert line in out
    assert "by the clock of this computer" in out


def test_warnings_stand_before_everything_else(ask, pump):
    pump.pending = pump.prescription
    pump.note = None
    out = ask("report").out
    texts = re.findall(r"^(?:WARNING|CAUTION): (.*)$", out, re.MULTILINE)
    assert texts[0].startswith("ALARM low reservoir, raised ")
    assert "Prescription version 2 is staged and NOT in force." in texts
    assert "The memory of the note has failed: write it anew." in texts
    assert out.index("WARNING") < out.index("Session")


@pytest.mark.parametrize(
    ("prescription", "words"),
    [
        (stopped(), "All infusion is STOPPED."),
        (LOST, "The pump has lost its prescription and runs at the minimum rate"),
        (periodic(interval_ms=HOUR_MS // 2, dose_ng=1_000), "A bolus every 30 min: were hours"),
        (simple(1_200_000), "Up to 1200 mcg/day of baclofen"),
    ],
)
def test_what_a_prescription_warns_of_by_itself_is_in_the_report(ask, pump, prescription, words):
    pump.prescription = prescription
    texts = [each["text"] for each in ask("report", "--json").json["warnings"]]
    assert any(text.startswith(words) for text in texts)


def test_a_quiet_pump_has_no_warnings(virtually):
    assert virtually("report", "--json").json["warnings"] == []


def test_a_replacement_that_was_planned_and_not_done_is_warned_of(programmer, pump):
    status = pump.status()
    late = replace(status, replacement_planned_at_ms=status.at_ms - 1)
    pump.answers[m.Interrogate] = lambda request: late
    assert any("Replacement was planned" in each.text for each in read(programmer).warnings)
    eri = replace(late, service_state=c.ServiceState.ERI)
    pump.answers[m.Interrogate] = lambda request: eri
    assert not any("planned" in each.text for each in read(programmer).warnings)


# --- The log --------------------------------------------------------------------------------------


def test_only_the_days_that_are_asked_for_are_in_the_log(virtually, port):
    for day in range(5):
        virtually("note", "--set", str(day))
        port.wait(DAY_MS)
    whole = virtually("report", "--json").json
    assert [each["event"] for each in whole["log"]] == ["implanted"] + 5 * ["note_written"]
    two = virtually("report", "--since", "2", "--json").json
    assert two["log_since_ms"] == 3 * DAY_MS
    assert [each["at_ms"] for each in two["log"]] == [3 * DAY_MS, 4 * DAY_MS]
    assert "Therapy log since 1970-01-04" in virtually("report", "--since", "2").out


def test_a_time_in_which_nothing_happened_says_so(virtually, port):
    port.wait(10 * DAY_MS)
    out = virtually("report", "--since", "1").out
    assert "Nothing was recorded in that time." in out
    assert "The log holds records 1 to 1." in out


def test_no_page_of_the_log_is_read_that_is_older_than_the_days(programmer, pump):
    pump.log = [replace(each, at_ms=each.sequence * DAY_MS) for each in pump.log]
    status = pump.status()
    later = replace(status, at_ms=40 * DAY_MS, clock_ms=status.clock_ms + 40 * DAY_MS)
    pump.answers[m.Interrogate] = lambda request: later
    found = read(programmer, days=5)
    assert [each.sequence for each in found.log] == [35, 36, 37, 38, 39]
    assert pump.asked_for(m.ReadLog) == 1


def test_a_log_that_has_lost_the_first_of_the_time_says_so(programmer, pump):
    found = read(programmer)
    assert not found.log_is_whole
    assert "The first of that time are among those that are lost." in str(sections(found)[-1])
    pump.log[0] = replace(pump.log[0], at_ms=0)
    later = replace(found, log=found.log[1:])
    assert later.log_is_whole
    held = replace(found.status, therapy_log=m.LogRange(5, 5, 4))
    assert not replace(found, log=(), status=held).log_is_whole


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "99999999999999999999"])
def test_days_that_are_no_days_are_exit_2(ask, pump, days):
    ended = ask("report", "--since", days, "--json")
    assert ended.code == 2
    assert f"--since = '{days}'" in ended.error["message"]
    assert pump.requests == []


# --- JSON -----------------------------------------------------------------------------------------


def test_json_is_one_object_with_everything_that_was_read(ask, pump):
    found = ask("report", "--json").json
    wanted = {each.name for each in fields(report.Report)}
    assert set(found) == wanted | {"pump", "html_file"}
    assert found["html_file"] is None
    assert found["identity"]["serial_number"] == "SCRIPT-1"
    assert found["status"]["believed_volume_nl"] == 5_000_000
    assert found["current"]["prescription"]["daily_dose_ng"] == 300_000
    assert found["note"] == {"intact": True, "text": "see the file"}
    assert found["log"][0]["event"] == "self_tested"
    assert found["pending"] is None
    pump.pending = pump.prescription
    assert ask("report", "--json").json["pending"]["version"] == 2


def test_a_report_changes_nothing(virtually, port):
    before = virtually("log", "--json").json["entries"]
    virtually("report")
    assert virtually("log", "--json").json["entries"] == before


# --- The page -------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Every element of a page, and that each that is opened is closed."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def made(virtually, tmp_path):
    """Make the page of the virtual pump, and return its text."""

    def make():
        file = tmp_path / "report.html"
        ended = virtually("report", "--html", str(file))
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.endswith(f"The report is in {file}.\n")
        return file.read_text("utf-8")

    return make


def test_the_page_says_what_the_text_says_and_has_both_charts(made, virtually):
    text = made()
    tags = Tags(text)
    assert tags.open == []
    assert text.startswith("<!DOCTYPE html>")
    for words in (BANNER, "SIM-000001", "baclofen, 2000 mcg/mL", "300 mcg/day", "No alarms."):
        assert words in tags.text
    for title in ("Schedule of a day", "Believed volume from now on", "Therapy log since"):
        assert title in tags.text
    assert [tag for tag, _ in tags.seen].count("svg") == 2
    assert text.count("UNSAFE: LEGACY-INSECURE") == 1


def test_the_page_needs_no_network_and_runs_nothing(made):
    """Neither by an element nor by a style; and a browser is told to allow neither."""
    text = made()
    tags = Tags(text)
    assert {tag for tag, _ in tags.seen}.isdisjoint({"script", "link", "img", "iframe", "image"})
    for tag, attributes in tags.seen:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not {"src", "href", "xlink:href"} & attributes.keys(), tag
    assert not re.search(r"url\(|@import", text)
    assert set(re.findall(r"https?://[^\"\s]*", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "default-src 'none'" in text


def test_the_page_is_made_for_paper_and_for_the_dark(made):
    text = made()
    for words in ("size: A4", "@media print", "prefers-color-scheme: dark", "currentColor"):
        assert words in text


def test_texts_of_a_pump_cannot_become_elements(made, virtually):
    """A note and a drug's name are whatever somebody has typed."""
    virtually("program", "--drug", EVIL, "--no-bridge", "--yes")
    virtually("note", "--set", EVIL)
    text = made()
    tags = Tags(text)
    assert "<script" not in text
    assert {tag for tag, _ in tags.seen}.isdisjoint({"script"})
    assert tags.text.count(EVIL) >= 3, "drug in the facts, drug below the chart, note"


def test_texts_of_a_hostile_pump_cannot_become_elements(programmer, pump):
    """Nor those that no honest pump would send: its model, its serial number, its product."""
    hostile = replace(IDENTITY, product=EVIL, model=EVIL, serial_number=EVIL, firmware_version=EVIL)
    pump.answers[m.Identify] = lambda request: hostile
    found = replace(read(programmer), warnings=(Caution(EVIL, EVIL),))
    text = page_of(found)
    assert "<script" not in text
    assert Tags(text).open == []


def test_a_dollar_in_a_note_is_a_dollar(made, virtually):
    virtually("note", "--set", "$style ${who} $$ 5")
    assert "$style ${who} $$ 5" in made()


def test_json_and_the_page_can_be_had_at_once(virtually, tmp_path):
    file = tmp_path / "report.html"
    ended = virtually("report", "--html", str(file), "--json")
    assert (ended.code, ended.json["html_file"]) == (0, str(file))
    assert BANNER in file.read_text("utf-8")


# --- The file -------------------------------------------------------------------------------------


def test_an_existing_page_is_replaced_and_keeps_its_permissions(made, tmp_path):
    file = tmp_path / "report.html"
    file.write_text("old", "utf-8")
    file.chmod(0o640)
    assert BANNER in made()
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_link_stays_a_link(virtually, tmp_path):
    file, link = tmp_path / "file.html", tmp_path / "link.html"
    link.symlink_to(file)
    assert virtually("report", "--html", str(link)).code == 0
    assert link.is_symlink()
    assert BANNER in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none/report.html", "No such file or directory"),
        ("", "there is something else than a file"),
        ("a\0b", "null byte"),
    ],
)
def test_a_page_that_cannot_be_written_is_exit_2_before_the_pump_is_asked(
    ask, pump, tmp_path, name, words
):
    target = f"{tmp_path}/{name}"
    ended = ask("report", "--html", target, "--json")
    assert ended.code == 2
    assert f"--html = {target!r}: cannot be written: " in ended.error["message"]
    assert words in ended.error["message"]
    assert pump.requests == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["loop", "loop/report.html"])
def test_links_that_lead_nowhere_else_than_to_themselves_are_exit_2(ask, pump, tmp_path, name):
    """The reason is the system's, and the links stay."""
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    ended = ask("report", "--html", str(tmp_path / name), "--json")
    assert ended.code == 2
    assert os.strerror(errno.ELOOP) in ended.error["message"]
    assert pump.requests == []
    assert [(each.name, each.is_symlink()) for each in tmp_path.iterdir()] == [("loop", True)]


def test_a_device_is_never_replaced_by_a_file(ask, pump):
    """``--html /dev/null``, typed by root, would otherwise leave the machine without one."""
    ended = ask("report", "--html", os.devnull)
    assert ended.code == 2
    assert "something else than a file" in ended.err
    assert not Path(os.devnull).is_file()
    assert pump.requests == []


def test_a_page_that_is_read_only_stays(ask, pump, tmp_path, monkeypatch):
    """Its folder would allow to replace it; whoever protects a file means the file."""
    file = tmp_path / "report.html"
    file.write_text("mine", "utf-8")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
    ended = ask("report", "--html", str(file))
    assert ended.code == 2
    assert "the file that is there is read-only" in ended.err
    assert (file.read_text("utf-8"), pump.requests) == ("mine", [])


def test_a_pump_that_does_not_answer_leaves_the_old_page(ask_briefly, pump, tmp_path):
    file = tmp_path / "report.html"
    file.write_text("old", "utf-8")
    pump.mangle = lambda data: []
    assert ask_briefly("report", "--html", str(file)).code == 4
    assert [(each.name, each.read_text("utf-8")) for each in tmp_path.iterdir()] == [
        ("report.html", "old")
    ]


def test_a_disk_that_is_full_is_exit_11_and_leaves_the_old_page(ask, tmp_path, monkeypatch):
    file = tmp_path / "report.html"
    file.write_text("old", "utf-8")

    def full(self, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WholeFile, "write", full)
    ended = ask("report", "--html", str(file), "--json")
    assert ended.code == 11
    assert ended.error["kind"] == "output_failed"
    assert "No space left on device" in ended.error["message"]
    assert [(each.name, each.read_text("utf-8")) for each in tmp_path.iterdir()] == [
        ("report.html", "old")
    ]


# --- Without the extra ----------------------------------------------------------------------------


def test_without_the_extra_the_page_is_refused_by_name_and_the_rest_works(
    ask, pump, tmp_path, monkeypatch
):
    real = builtins.__import__

    def lacking(name, *arguments, **settings):
        if name.partition(".")[0] == "vl_convert":
            raise ModuleNotFoundError("No module named 'vl_convert'", name="vl_convert")
        return real(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", lacking)
    for module in ("vl_convert", "pump_programmer.drawing"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delattr("pump_programmer.drawing", raising=False)
    ended = ask("report", "--html", str(tmp_path / "report.html"), "--json")
    assert (ended.code, ended.error["kind"]) == (2, "usage")
    assert "pip install 'pump-sim[plot]'" in ended.error["message"]
    assert pump.requests == []
    assert list(tmp_path.iterdir()) == []
    assert ask("report").code == ask("report", "--json").code == 0


def test_text_and_json_never_load_what_draws(pump):
    """It takes a while, and is not there for everybody."""
    script = (
        "import sys\nfrom pump_programmer.cli import main\n"
        "try: main()\nfinally: print('vl_convert' in sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, "--port", pump.address, "report", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "False")
    assert json.loads(ended.stdout)["status"]


def test_one_module_imports_what_draws():
    package = Path(page.__file__).parent
    importers = [
        path.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Import) and any(n.name == "vl_convert" for n in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "vl_convert")
    ]
    assert importers == ["drawing.py"]


# --- The charts -----------------------------------------------------------------------------------


def values(chart, layer=0):
    spec = chart.spec
    data = spec["layer"][layer].get("data", spec["data"])
    return data["values"]


@pytest.fixture
def found(programmer):
    """What is read of the scripted pump."""
    return read(programmer)


def with_prescription(found, prescription, **status):
    current = report_of(c.PrescriptionSlot.CURRENT, 1, prescription)
    return replace(found, current=current, status=replace(found.status, **status))


def test_a_simple_schedule_is_one_level_over_24_hours(found):
    points = values(charts.schedule_chart(found))
    assert [(each["at"], each["rate"]) for each in points] == [(0, 0.15), (DAY_MS, 0.15)]


def test_flex_steps_are_drawn_for_each_group_of_days(found):
    steps = ((62, ((0, 120), (480, 300))), (65, ((0, 200),)))
    chart = charts.schedule_chart(with_prescription(found, flex(*steps)))
    points = values(chart)
    assert [(each["days"], each["at"] // HOUR_MS, each["rate"]) for each in points] == [
        ("Tue-Sat", 0, 0.06),
        ("Tue-Sat", 8, 0.15),
        ("Tue-Sat", 24, 0.15),
        ("Mon, Sun", 0, 0.1),
        ("Mon, Sun", 24, 0.1),
    ]
    assert {"Tue-Sat", "Mon, Sun"} <= set(re.findall(r">([^<>]+)</text>", drawn(chart)))


def test_periodic_boluses_rise_from_their_basal_in_the_next_24_hours(found):
    bolus = periodic(interval_ms=6 * HOUR_MS, basal_nl_per_day=50_000)
    next_ms = NOW_MS + 2 * HOUR_MS
    chart = charts.schedule_chart(
        with_prescription(found, bolus, next_periodic_bolus_at_ms=next_ms, clock_ms=NOW_MS)
    )
    points = values(chart)
    highest = 0.05 + 0.015 * 24 * 6
    starts = [each["at"] for each in points if each["rate"] == pytest.approx(highest)]
    assert starts == [next_ms + number * 6 * HOUR_MS for number in range(4)]
    assert (points[0]["at"], points[-1]["at"]) == (NOW_MS, NOW_MS + DAY_MS)
    assert points[0]["rate"] == points[-1]["rate"] == 0.05
    assert [each["at"] for each in points] == sorted(each["at"] for each in points)


def test_a_periodic_bolus_that_runs_now_is_drawn_from_now_on(found):
    running = replace(found.status.boluses[0], kind=c.BolusKind.PERIODIC, duration_ms=600_000)
    status = {"boluses": (running,), "clock_ms": NOW_MS, "next_periodic_bolus_at_ms": None}
    points = values(charts.schedule_chart(with_prescription(found, periodic(), **status)))
    assert [(each["at"] - NOW_MS, each["rate"] > 0) for each in points] == [
        (0, False),
        (0, True),
        (599_999, False),
        (DAY_MS, False),
    ]


def test_boluses_without_number_are_not_drawn_without_end(found):
    wild = replace(periodic().periodic_boluses[0], interval_ms=1, duration_ms=1)
    status = replace(found.status, next_periodic_bolus_at_ms=NOW_MS)
    assert len(list(charts._boluses(status, wild))) < 1_000


def test_the_volume_runs_over_the_low_date_to_the_empty_one(found):
    low_ms, empty_ms = NOW_MS + 20 * DAY_MS, NOW_MS + 33 * DAY_MS
    status = {"low_reservoir_at_ms": low_ms, "empty_reservoir_at_ms": empty_ms}
    chart = charts.volume_chart(replace(found, status=replace(found.status, **status)))
    begin = found.status.implanted_clock_ms
    assert [(each["at"] - begin, each["volume"]) for each in values(chart)] == [
        (NOW_MS, 5.0),
        (low_ms, 2.0),
        (empty_ms, 0.0),
    ]
    svg = drawn(chart)
    for words in ("low 2026-12-08", "empty 2026-12-21", "alarm at 2 mL"):
        assert words in svg


def test_with_patient_boluses_the_two_dates_are_on_lines_of_their_own(found):
    """The one assumes every bolus, the other none (MSG-13): no line may lead through both."""
    low_ms, empty_ms = NOW_MS + 20 * DAY_MS, NOW_MS + 33 * DAY_MS
    status = replace(
        found.status,
        patient_boluses=(m.PatientBolusState(4, 4, NOW_MS),),
        low_reservoir_at_ms=low_ms,
        empty_reservoir_at_ms=empty_ms,
    )
    chart = charts.volume_chart(replace(found, status=status))
    begin = found.status.implanted_clock_ms
    solid, dashed = (
        [(each["at"] - begin, each["volume"]) for each in values(chart, layer)] for layer in (1, 2)
    )
    assert solid == [(NOW_MS, 5.0), (empty_ms, 0.0)]
    assert dashed == [(NOW_MS, 5.0), (low_ms, 2.0)]
    assert "if the patient asks for no bolus" in chart.caption


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"low_reservoir_at_ms": None, "empty_reservoir_at_ms": None}, "No date is to come"),
        ({"low_reservoir_at_ms": 1, "empty_reservoir_at_ms": NOW_MS}, "No date is to come"),
        ({"implanted_clock_ms": 2**63}, "shows no date that could be drawn"),
    ],
)
def test_where_there_is_no_volume_to_draw_the_caption_says_why(found, status, why):
    odd = replace(found, status=replace(found.status, **status))
    chart = charts.volume_chart(odd)
    assert (chart.spec, drawn(chart)) == (None, "")
    assert why in chart.caption
    assert why in page_of(odd)


EVERY_PRESCRIPTION = {
    "simple": simple(),
    "stopped": stopped(),
    "lost": LOST,
    "flex": flex(*((1 << day, ((0, 100 + day), (60, 200 + day))) for day in range(7))),
    "periodic": periodic(),
    "patient": with_patient(simple()),
}


@pytest.mark.parametrize("name", EVERY_PRESCRIPTION)
def test_every_prescription_has_a_page(found, name):
    prescription = EVERY_PRESCRIPTION[name]
    next_ms = NOW_MS + HOUR_MS if name == "periodic" else None
    text = page_of(with_prescription(found, prescription, next_periodic_bolus_at_ms=next_ms))
    assert Tags(text).open == []
    assert text.count("<svg") == 2


def test_a_pump_whose_clock_is_far_out_has_a_page(virtually, port, made):
    """Beyond what a date can show, and before anything was delivered."""
    virtually("clock", "--set", "9999-12-31T23:59:58")
    port.wait(HOUR_MS)
    assert "shows no date that could be drawn" in made()


def test_an_alarm_of_several_lines_keeps_them(found):
    silenced = replace(LOW_ALARM, cleared_at_ms=NOW_MS, flags=c.AlarmFlag.LATCHED)
    alarmed = replace(found, status=replace(found.status, alarms=(silenced,)))
    assert ",\n  condition gone" in page_of(alarmed)
