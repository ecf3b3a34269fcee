"""A report counts, ends with an honest code, can be compared, and comes back from its JSON."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pump_protocol.conformance.cases import Profile, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.report import Report, case_report, needs_of
from pump_protocol.conformance.reporting.document import BadReport, from_json, to_json
from pump_protocol.conformance.reporting.html import html_page
from pump_protocol.conformance.reporting.text import last_line, summary_rows, unsupported_lines
from pump_protocol.conformance.reporting.wire import FramesTold
from pump_protocol.conformance.steps import Hook
from pump_protocol.conformance.trial import CaseResult, Passed
from pump_protocol.conformance.verdicts import StateVerdict, Verdict
from pump_protocol.conformance.wire_log import DECODED_BYTES, FrameLine, wire_log
from tests.conformance.pumps import InProcessPump
from tests.conformance.results import HOSTILE, IDENTIFY, a_case, a_report, a_result

PASS, FAIL, NON_STRICT, INFO, UNSUPPORTED, ERROR = Verdict
CHANGED: dict[str, Any] = {"state": StateVerdict.CHANGED, "state_reason": "the log changed"}
UNKNOWN: dict[str, Any] = {"state": StateVerdict.UNKNOWN, "state_reason": "it could not be read"}
SAME: dict[str, Any] = {"state": StateVerdict.SAME}
A, B = "frame/noise", "link/unknown-id"

# --- How a run ends ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "more", "code"),
    [
        ([a_result(A), a_result(B, **SAME)], {}, 0),
        ([a_result(A, NON_STRICT, "slow"), a_result(B, INFO, "fast")], {}, 0),
        ([a_result(A, UNSUPPORTED, "no hook"), a_result(B)], {}, 0),
        ([a_result(A, UNSUPPORTED, "no hook")], {}, 2),
        ([], {}, 2),
        ([a_result(A, NON_STRICT, "slow")], {"strict": True}, 1),
        ([a_result(A), a_result(B, FAIL, "no")], {}, 1),
        ([a_result(A, **CHANGED)], {}, 1),
        ([a_result(A, **UNKNOWN)], {}, 1),
        ([a_result(A, UNSUPPORTED, "no hook", **CHANGED)], {}, 1),
        ([a_result(A, ERROR, "gone")], {}, 2),
        ([a_result(A, ERROR, "gone", **CHANGED)], {}, 2),
        ([a_result(A, ERROR, "gone"), a_result(B, FAIL, "no")], {}, 1),
        ([a_result(A, FAIL, "no"), a_result(B)], {"expected": (A,)}, 0),
        ([a_result(A, **CHANGED)], {"expected": (A,)}, 0),
        ([a_result(A, NON_STRICT, "slow")], {"expected": (A,), "strict": True}, 0),
        ([a_result(A, NON_STRICT, "slow")], {"expected": (A,)}, 0),
        ([a_result(A), a_result(B, FAIL, "no")], {"expected": (A, B)}, 1),
        ([a_result(A)], {"expected": (A,)}, 1),
        ([a_result(A, INFO, "fast")], {"expected": (A,)}, 1),
        ([a_result(A, UNSUPPORTED, "no hook"), a_result(B)], {"expected": (A,)}, 0),
        ([a_result(A)], {"expected": (B,)}, 0),
        ([a_result(A, ERROR, "gone")], {"expected": (A,)}, 2),
    ],
)
def test_exit_code(results: list[CaseResult], more: dict[str, Any], code: int) -> None:
    """1 for a failure that nobody expected or an expectation that is stale, 2 for not judged."""
    assert a_report(results, **more).exit_code == code


def test_what_was_expected_and_what_was_not() -> None:
    report = a_report(
        [
            a_result("frame/one", FAIL, "no"),
            a_result("frame/two", FAIL, "no"),
            a_result("frame/three"),
            a_result("frame/four", UNSUPPORTED, "no hook"),
        ],
        expected=("frame/one", "frame/three", "frame/four", "frame/five"),
    )
    assert [each.slug for each in report.unexpected] == ["frame/two"]
    assert report.stale == ("frame/three",)
    assert report.untried == ("frame/four", "frame/five")
    assert report.counts == {PASS: 1, FAIL: 2, NON_STRICT: 0, INFO: 0, UNSUPPORTED: 1, ERROR: 0}


@pytest.mark.parametrize("verdict", [PASS, INFO, UNSUPPORTED, NON_STRICT])
@pytest.mark.parametrize("changed", [CHANGED, UNKNOWN])
def test_case_that_changed_what_it_should_not_counts_as_failed_everywhere(
    verdict: Verdict, changed: dict[str, Any]
) -> None:
    """In the report, its JSON, the table and last line of the console, and the page; it is neither
    passed nor without a verdict, whatever the first one says."""
    result = a_result(A, verdict, "so", **changed)
    report = a_report([result, a_result(B)], expected=(A,))
    assert (result.failed, report.results[0].failed, report.results[0].changed) == (True,) * 3
    assert (report.counts[FAIL], report.counts[PASS]) == (1, 1)
    assert (report.stale, report.untried, unsupported_lines(report)) == ((), (), [])
    assert json.loads(to_json(report))["counts"]["FAIL"] == 1
    assert summary_rows(report)[1][-1] == ["all", "2", "1", "1", "1"]
    assert ": 2 cases: 1 PASS, 1 FAIL. " in last_line(report)
    page = html_page([report])
    assert "</b>1 FAIL</span>" in page
    assert "</b>1 PASS</span>" in page


def test_harness_error_stays_one_whatever_the_state() -> None:
    result = a_result(A, ERROR, "gone", **UNKNOWN)
    assert not result.failed
    assert a_report([result]).counts[ERROR] == 1


def test_needs_are_all_that_decides_whether_and_how_a_case_is_judged() -> None:
    """The command line, the page and the reference tell these words."""
    more: dict[str, Any] = {
        "hooks": frozenset({Hook.RESET, Hook.INJECT}),
        "tasks": frozenset({"bolus"}),
        "profile": Profile.AUTHENTICATED,
        "fresh": True,
        "waits_ms": 1_500,
        "seeded": True,
    }
    assert needs_of(a_case("x/all", **more)) == (
        "hook inject",
        "hook reset",
        "task bolus",
        "profile authenticated",
        "a pump as new",
        "1.5 s of link time",
        "the seed",
    )
    assert needs_of(a_case("x/none")) == ()


# --- Wire ----------------------------------------------------------------------------------------


def logged(*passed: tuple[int, bool | None, bytes]) -> Any:
    wire = tuple(Passed(at_ms, to_pump, data) for at_ms, to_pump, data in passed)
    return wire_log(a_result(A, wire=wire))


def test_frame_is_told_with_the_line_that_holds_its_last_byte() -> None:
    """Times count from the first line; what came in two pieces is two lines and one frame."""
    lines = logged((50, True, b"\x00" + IDENTIFY[:7]), (52, True, IDENTIFY[7:] + IDENTIFY))
    assert [each.at_ms for each in lines] == [0, 2]
    assert [[frame.message for frame in each.frames] for each in lines] == [
        [None],
        ["identify", "identify"],
    ]
    assert lines[0].frames[0].reason == "no start marker"
    assert "".join(each.hex for each in lines) == (b"\x00" + IDENTIFY * 2).hex()


def test_half_a_frame_before_a_silence_is_told_where_it_passed() -> None:
    """Also at the end of the case, where nothing comes behind it."""
    lines = logged((0, True, IDENTIFY[:9]), (200, True, IDENTIFY), (201, True, IDENTIFY[:5]))
    assert [each.frames[0].message for each in lines] == [None, "identify", None]
    assert [each.frames[0].size for each in lines] == [9, len(IDENTIFY), 5]


def test_directions_are_read_apart() -> None:
    """A half frame one way does not swallow the other."""
    lines = logged((0, True, IDENTIFY[:9]), (1, False, IDENTIFY), (2, True, IDENTIFY[9:]))
    assert [[frame.message for frame in each.frames] for each in lines] == [
        [],
        ["identify"],
        ["identify"],
    ]
    assert lines[1].frames[0].fields is None, "a request is no response"


def test_of_a_long_log_the_beginning_and_the_end_are_shown() -> None:
    lines = logged(*((at, True, IDENTIFY) for at in range(1_000)))
    assert len(lines) == 201
    assert (lines[150].left_out, lines[150].note) == (800, "800 lines are left out")
    assert [lines[149].at_ms, lines[151].at_ms, lines[-1].at_ms] == [149, 950, 999]


def test_flood_is_shown_in_part_and_not_decoded_for_ever() -> None:
    flood = IDENTIFY * (DECODED_BYTES // len(IDENTIFY))
    first, second = logged((0, False, flood), (1, False, flood))
    assert (first.size, len(first.hex), len(first.frames)) == (len(flood), 2_048, 16)
    assert "more frames" in first.note
    assert (second.size, second.frames) == (len(flood), ())


def test_sealed_frames_of_a_real_case_are_read() -> None:
    """The report has the keys of the links, and does not hold them."""
    case = next(each for each in cases_of(Side.PUMP) if each.changes_nothing)
    pump = InProcessPump()
    result = pump.judge(case)
    frames = [frame for line in case_report(result).wire for frame in line.frames]
    sealed = [each for each in frames if each.sealed and each.fields is not None]
    assert {each.message for each in sealed} >= {"open_link", "link_opened"}
    assert all(each.counter is not None for each in sealed)
    text = to_json(a_report([result]))
    for secret in (pump.key.secret, *_link_keys(result)):
        assert secret.hex() not in text


def _link_keys(result: CaseResult) -> list[bytes]:
    given = [each for links in result.secrets.values() for each in links]
    assert given
    return [key for each in given for key in (each.to_pump, each.to_programmer)]


def told(*frames: FrameLine, **shared: Any) -> list[tuple[str, str]]:
    said = FramesTold(**shared)
    return [(said.address(each), said.fields(each)) for each in frames]


def a_frame(sequence: int = 1, /, **fields: Any) -> FrameLine:
    return FrameLine(message="note", link_id=7, sequence=sequence, fields=fields)


def test_of_an_address_what_differs_from_the_frame_before_is_told() -> None:
    """Link and number again where anything could be meant."""
    first, answer, plain = a_frame(), a_frame(), a_frame(2)
    sealed = replace(plain, sealed=True, counter=3)
    noise = FrameLine(reason="no start marker", size=4)
    other = replace(sealed, link_id=8)
    assert [address for address, _ in told(first, answer, noise, plain, sealed, other)] == [
        "(plain, link 0000000000000007, sequence 1)",
        "",
        "(4 bytes)",
        "(sequence 2)",
        "(sealed, link 0000000000000007, sequence 2, counter 3)",
        "(sealed, link 0000000000000008, sequence 2, counter 3)",
    ]


def test_of_fields_what_differs_from_the_last_such_frame_is_told_if_it_is_little() -> None:
    full = {"at_ms": 1, "mode": "flex", "name": "true", "parts": [{"a": None}]}
    frames = [a_frame(**full), a_frame(**full), a_frame(**{**full, "at_ms": 2})]
    frames += [
        a_frame(**{**full, "name": "a name that is much longer", "at_ms": 3}),
        a_frame(),
        a_frame(),
    ]
    assert [fields for _, fields in told(*frames)] == [
        'at_ms: 1, mode: flex, name: "true", parts: [{a: null}]',
        "as before",
        "as before, but at_ms: 2",
        'at_ms: 3, mode: flex, name: "a name that is much longer", parts: [{a: null}]',
        "",
        "",
    ]


def test_long_text_stands_once_in_logs_that_are_read_together() -> None:
    """The page of a full run is a third shorter for it; a text alone says all."""
    shared: dict[str, str] = {}
    long = a_frame(name="x" * 200)
    assert told(long, where="a/one", told=shared) == told(long)
    assert told(long, where="a/two", told=shared)[0][1] == "as in a/one"
    assert told(a_frame(name="x"), where="a/two", told=shared) == told(a_frame(name="x"))


# --- Compared ------------------------------------------------------------------------------------


def test_without_times_two_runs_are_equal_that_differ_in_times_only() -> None:
    """Also where bytes came in other pieces."""
    one = a_result(A, wire=(Passed(5, True, b"ab"), Passed(9, False, b"cd")), duration_ms=4)
    pieces = (Passed(70, True, b"ab"), Passed(71, False, b"c"), Passed(75, False, b"d"))
    other = a_result(A, wire=pieces, duration_ms=5)
    first, second = a_report([one]), a_report([other], started_at="2027-01-01T00:00:00+00:00")
    assert first != second
    assert first.without_times().results[0].wire[1].size == 2
    assert _said(first.without_times()) == _said(second.without_times())
    third = a_report([replace(other, wire=(*pieces[:2], Passed(75, False, b"e")))])
    assert _said(first.without_times()) != _said(third.without_times())


def _said(report: Report) -> list[Any]:
    # In pieces the noise is told in pieces, too.
    return [
        replace(each, wire=tuple(replace(line, frames=()) for line in each.wire))
        for each in report.results
    ]


@pytest.mark.parametrize("authenticated", [True, False])
def test_two_runs_with_one_seed_give_one_report(authenticated: bool) -> None:
    """In virtual time, with the entropy of both ends fixed, down to the last byte."""
    chosen = [each for each in cases_of(Side.PUMP) if each.group in ("identity", "sequence")]
    reports = [
        a_report(InProcessPump(authenticated=authenticated).judge_all(chosen)) for _ in range(2)
    ]
    assert reports[0].without_times() == reports[1].without_times()
    assert reports[0].exit_code == 0


# --- JSON ----------------------------------------------------------------------------------------


def test_report_comes_back_from_its_json() -> None:
    """Whatever a subject sent, and with every verdict."""
    results = [
        *(
            a_result(f"group/n-{number}", verdict, HOSTILE)
            for number, verdict in enumerate(Verdict)
        ),
        a_result(A, FAIL, "half a character: \ud800", **CHANGED),
        a_result(B, PASS, wire=(), **SAME),
    ]
    report = a_report(results, expected=(A,), strict=True, profile=None)
    text = to_json(report)
    assert from_json(text) == report
    assert text.isascii()
    assert from_json(to_json(report.without_times())) == report.without_times()


def test_json_of_real_cases_comes_back() -> None:
    cases = [each for each in cases_of(Side.PUMP) if each.group == "frame"][:6]
    report = a_report(InProcessPump().judge_all(cases))
    assert from_json(to_json(report)) == report


def test_json_says_what_follows_for_those_who_count_nothing() -> None:
    document = json.loads(
        to_json(a_report([a_result(A, FAIL, "no"), a_result(B)], expected=(B, "frame/other")))
    )
    assert (document["format"], document["version"]) == ("pump-sim-conformance", 1)
    assert (document["exit_code"], document["unexpected"]) == (1, [A])
    assert (document["stale"], document["untried"]) == ([B], ["frame/other"])
    assert document["counts"]["FAIL"] == 1
    said = document["report"]
    assert (said["side"], said["subject"], said["profile"]) == (
        "pump",
        "some pump",
        "authenticated",
    )
    assert said["results"][0]["wire"][1] == {
        "at_ms": 4,
        "direction": "to_pump",
        "hex": IDENTIFY.hex(),
        "size": len(IDENTIFY),
        "frames": [
            {
                "message": "identify",
                "link_id": 0,
                "sequence": 1,
                "fields": {},
                "size": len(IDENTIFY),
            }
        ],
    }


def _spoilt(**changes: Any) -> str:
    document = json.loads(to_json(a_report([a_result(A)])))
    for path, value in changes.items():
        place, keys = document, path.split("__")
        for key in keys[:-1]:
            place = place[int(key) if key.isdigit() else key]
        place[keys[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no report of a conformance run"),
        ('{"format": "pump-sim-state", "version": 2}', "format is to be 'pump-sim-conformance'"),
        (_spoilt(version=2), "version = 2: this reads version 1"),
        (_spoilt(version=True), "version = true: this reads version 1"),
        (_spoilt(report=None), "report = null"),
        (_spoilt(report__seed="1"), 'report.seed = "1"'),
        (_spoilt(report__side="both"), 'report.side = "both"'),
        (_spoilt(report__results__0__verdict="OK"), 'report.results.0.verdict = "OK"'),
        (_spoilt(report__results__0__wire=[{"at_ms": 1, "size": "x" * 999}]), "wire.0.size"),
        (_spoilt(report__results__0__wire=[{"at_ms": 1, "hex": "0g"}]), 'hex = "0g"'),
    ],
)
def test_document_that_is_no_report_is_refused_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(BadReport) as refused:
        from_json(text)
    assert complaint in str(refused.value)
    assert len(str(refused.value)) < 300


def test_keys_of_a_later_writer_are_passed_over() -> None:
    """A new key is no new version."""
    assert from_json(_spoilt(report__mood="good")).subject == "some pump"


def test_cases_by_group_in_the_order_played() -> None:
    """Also where a group was left and taken up again."""
    report = a_report(a_result(each) for each in ("b/one", "a/one", "b/two"))
    assert {name: [each.slug for each in cases] for name, cases in report.groups.items()} == {
        "b": ["b/one", "b/two"],
        "a": ["a/one"],
    }
    assert list(report.groups) == ["b", "a"]


def test_report_that_has_a_case_twice_is_none() -> None:
    """A matrix would count it twice."""
    text = to_json(a_report([a_result(A), a_result(A)]))
    with pytest.raises(BadReport, match=f"{A} stands there twice"):
        from_json(text)
