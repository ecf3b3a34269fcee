"""A picture says what its sheet says, to whoever looks at it, in colour or in grey."""

from collections.abc import Iterator
from typing import Any

import pytest

from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.scenario.picture.sheet import Sheet, gather
from pump_sim.scenario.picture.specification import headings, specification, specification_of_all
from pump_sim.scenario.tracing.trace_lines import RecordLine
from tests.pump_sim.scenario.traces import (
    COMMON,
    DAY,
    HOUR,
    LENGTH,
    acted,
    look,
    looks,
    missed_refill,
    play,
    start,
)


def sheet(**given: Any) -> Sheet:
    """The sheet of looks that show the same all the time."""
    seen: dict[str, Any] = {"active_alarms": (), "flags": (), **given}
    return gather(play(look(0, **seen), look(LENGTH, **seen)))


def nodes(spec: Any) -> Iterator[dict[str, Any]]:
    """All objects of a specification but its data."""
    if isinstance(spec, dict):
        yield spec
        for key, value in spec.items():
            if key != "values":
                yield from nodes(value)
    elif isinstance(spec, list):
        for each in spec:
            yield from nodes(each)


def texts(spec: dict[str, Any]) -> list[str]:
    """All that is written in a picture, but on its axes."""
    found: list[str] = []
    for node in nodes(spec):
        for key in ("text", "subtitle"):
            value = node.get(key)
            found += [value] if isinstance(value, str) else value if isinstance(value, list) else []
        values = node.get("data", {}).get("values", ())
        found += [each["text"] for each in values if "text" in each]
    return found


def panel(spec: dict[str, Any], title: str) -> dict[str, Any]:
    """The panel that begins with these words."""
    (found,) = [
        each
        for each in spec["vconcat"]
        if any(text.startswith(title) for text in texts({"layer": each["layer"]}))
    ]
    return found  # type: ignore[no-any-return]


def y_domains(found: dict[str, Any]) -> list[list[float]]:
    return [
        node["y"]["scale"]["domain"]
        for node in nodes(found["layer"])
        if isinstance(node.get("y"), dict) and "domain" in (node["y"].get("scale") or {})
    ]


def test_a_picture_tells_what_it_is_of() -> None:
    """Title, scenario, pump, seed and version; and on every picture that it is a simulator."""
    written = texts(specification(gather(missed_refill())))
    assert "A refill that nobody makes" in written
    assert "Scenario missed-refill, 60 d; pump SIM-0001; seed 7; pump-sim 0.1" in written
    assert SIMULATOR_NOTICE in written
    assert SIMULATOR_NOTICE in texts(specification(gather(missed_refill()), interactive=True))


def test_a_picture_tells_which_way_was_taken() -> None:
    """Pictures of two ways through one scenario are told apart."""
    found = gather(play(*looks(), branch=("call=ignore",)))
    assert headings(found)[0] == "Branch call=ignore"


def test_what_is_unsafe_on_purpose_is_labelled() -> None:
    """A pump without keys, and one that an update stops; of others nothing is said."""
    unsafe = start(security="legacy_insecure", updates="historic")
    found = headings(gather(play(unsafe, *looks())))
    assert [line.partition(":")[0] for line in found[1:]] == ["LEGACY-INSECURE", "HISTORIC UPDATES"]
    assert len(headings(gather(play(*looks())))) == 1


def test_unmet_expectations_are_in_the_picture() -> None:
    """How many, what was expected, and what happened; of many, the first."""
    written = texts(specification(gather(missed_refill())))
    assert "Expectations: 1 of 2 UNMET" in written
    assert "Unmet, 60 d: alarm eri raised by 60 d; it was not raised" in written


def test_a_trace_that_was_cut_off_is_drawn_and_says_so() -> None:
    """Half a story is not shown as a whole one."""
    found = gather(play(*looks(), ended=False))
    assert "INCOMPLETE: the trace was not written to its end" in headings(found)


def test_all_panels_share_the_axis_of_time() -> None:
    """What stands above each other happened at the same time, from 0 to the end."""
    spec = specification(gather(missed_refill()))
    domains = [
        node["scale"]["domain"]
        for node in nodes(spec)
        if node.get("field") == "t" and "scale" in node
    ]
    assert len(domains) > 8
    assert all(each == [0, 60.0] for each in domains)


@pytest.mark.parametrize("title", ["Volume", "Rate", "Drug effect"])
def test_axes_begin_at_zero_and_hold_all_that_was_seen(title: str) -> None:
    """No drop looks deeper than it is, and nothing is cut off."""
    spec = specification(sheet(effect_ppm=12_000_000))
    domains = y_domains(panel(spec, title))
    most = {"Volume": 20, "Rate": 0.4, "Drug effect": 1200}[title]
    assert domains
    assert all(low == 0 and high >= most for low, high in domains)


@pytest.mark.parametrize("title", ["Volume", "Rate"])
def test_believed_and_actual_differ_without_colour(title: str) -> None:
    """One line is broad and solid, the other thin and dashed, and lies on it."""
    marks = [
        (
            node["mark"]["strokeWidth"],
            node["mark"].get("strokeDash"),
            node["encoding"]["y"]["field"],
        )
        for node in panel(specification(sheet()), title)["layer"]
        if node["mark"].get("type") == "line"
    ]
    (broad, solid, actual), (thin, dashed, believed) = marks
    assert (broad > 2 * thin, solid, bool(dashed)) == (True, None, True)
    assert (actual[0], believed[0]) == ("a", "b")


def test_rates_are_steps_and_volumes_are_not() -> None:
    """A rate holds until it changes; a volume falls all the time."""
    spec = specification(sheet())
    ways = {
        title: {
            node["interpolate"]
            for node in nodes(panel(spec, title)["layer"])
            if "interpolate" in node
        }
        for title in ("Volume", "Rate")
    }
    assert ways == {"Volume": {"linear"}, "Rate": {"step-after"}}


def test_figures_are_in_the_units_of_the_axes() -> None:
    """Days, mL, mL/day and percent, of every look in its order."""
    found = gather(play(look(0), look(DAY, actual_rate_nl_per_day=150_000, effect_ppm=None)))
    rows = specification(found)["data"]["values"]
    assert [each["t"] for each in rows] == [0, 1]
    assert [(each["av"], each["bv"]) for each in rows] == [(20, 20), (19.6, 19.6)]
    assert [each["ar"] for each in rows] == [0.4, 0.15]
    assert [each["e"] for each in rows] == [100, None]
    assert [each["i"] for each in rows] == [0, 1]


@pytest.mark.parametrize(
    ("effect_ppm", "bands"),
    [
        (1_000_000, ["overdose watch > 150 %", "underdose < 50 %", "withdrawal < 15 %"]),
        (
            4_000_000,
            ["overdose > 300 %", "overdose watch > 150 %", "underdose < 50 %", "withdrawal < 15 %"],
        ),
    ],
)
def test_the_bands_of_the_effect_are_named(effect_ppm: int, bands: list[str]) -> None:
    """Each band that is in view has its name and its threshold, from the top down."""
    written = texts(panel(specification(sheet(effect_ppm=effect_ppm)), "Drug effect"))
    named = [each for each in dict.fromkeys(written) if " > " in each or " < " in each]
    assert sorted(named) == sorted(bands)


def test_an_effect_that_is_not_judged_says_so() -> None:
    """An empty panel would look like no effect."""
    written = texts(specification(sheet(effect_ppm=None)))
    assert any(each.endswith("(not judged: no prescription)") for each in written)


def bars(spec: dict[str, Any]) -> dict[str, tuple[float, list[dict[str, Any]]]]:
    """The bars of the timeline by their kind, with the share of the row that they fill."""
    layers = [
        each
        for each in panel(spec, "Alarms")["layer"]
        if each["mark"]["type"] == "bar" and each["data"]["values"]
    ]
    return {
        each["data"]["values"][0]["kind"]: (
            each["mark"]["height"]["band"],
            each["data"]["values"],
        )
        for each in layers
    }


def test_critical_alarms_differ_by_height_and_words() -> None:
    """A print in grey tells them from the others."""
    spec = specification(gather(missed_refill()))
    found = bars(spec)
    assert found["critical alarm"][0] > 1.5 * found["non-critical alarm"][0]
    written = texts(spec)
    assert "CRITICAL, since 50 d" in written
    assert "non-critical, since 45 d" in written


def test_a_bar_lasts_as_long_as_what_it_shows() -> None:
    """From raised to the end; however short, it can be seen."""
    low = bars(specification(gather(missed_refill())))["non-critical alarm"][1]
    assert [(each["t"], each["u"]) for each in low] == [(45, 60)]
    moment = gather(play(*looks(active_alarms=(), flags=()), acted(LENGTH, "fault", "brown_out")))
    ((begins, ends),) = [(each["t"], each["u"]) for each in bars(specification(moment))["fault"][1]]
    assert ends == 60
    assert 0.1 < ends - begins < 1


def test_nothing_to_show_is_said() -> None:
    """An empty timeline is no mistake."""
    written = texts(specification(sheet()))
    assert "no alarm, no fault, and nothing that the patient shows" in written


def test_what_was_done_is_ruled_through_all_panels() -> None:
    """A label above, and a rule at its moment in each panel; faults have bars instead."""
    spec = specification(gather(play(*looks(), acted(9 * DAY, "hands", "press"),
                                     acted(9 * DAY, "fault", "flow_error"))))  # fmt: skip
    assert "hands: press" in texts(spec)
    assert not any("fault: flow" in each for each in texts(spec))
    ruled = [
        node["data"]["values"]
        for node in nodes(spec)
        if isinstance(node.get("mark"), dict)
        and node["mark"]["type"] == "rule"
        and "strokeDash" in node["encoding"]
    ]
    assert ruled == [[{"t": 9, "who": "hands"}]] * 4


def test_the_lines_of_acts_are_explained() -> None:
    """Whoever is in the picture stands in a legend with the dashes of the rules, nobody else."""
    spec = specification(gather(missed_refill()))
    layers = panel(spec, "Volume")["layer"]
    names = ("hands", "programmer", "link", "choice")
    words = [each["mark"]["text"] for each in layers if each["mark"].get("text") in names]
    assert words == ["hands", "programmer", "choice"]
    (dashes,) = [
        each["encoding"]["strokeDash"]["scale"]
        for each in layers
        if "strokeDash" in each["encoding"]
    ]
    of = dict(zip(dashes["domain"], dashes["range"], strict=True))
    drawn = [each["mark"]["strokeDash"] for each in layers if each["mark"].get("color") == "#5f5f5f"
             and "strokeDash" in each["mark"]]  # fmt: skip
    assert drawn == [of[each] for each in words]
    assert not [each for each in texts(specification(sheet())) if each in names]


def test_a_pump_that_waits_has_no_alarm_for_it() -> None:
    """Other alarms may be there at the time: the words speak of this one thing."""
    stopped = RecordLine(
        **COMMON, therapy_ms=50 * DAY, serial_number="SIM-0001", sequence=1, pump_ms=0,
        event="infusion_stopped", a=12, b=0, link_id=0, prescription_version=1, text="",
    )  # fmt: skip
    written = texts(specification(gather(play(*looks(), stopped))))
    assert "NO FLOW, AND NO ALARM FOR IT, since 50 d" in written


def test_only_an_interactive_picture_has_what_only_a_reader_can_use() -> None:
    """A still image carries no bands for the pointer; a page has its title outside."""
    still, page = (
        specification(gather(missed_refill()), interactive=each) for each in (False, True)
    )
    assert "params" not in still
    assert page["params"][0]["views"] == ["moments-0", "moments-1", "moments-2"]
    assert "title" in still
    assert "title" not in page


def test_several_ways_stand_below_each_other() -> None:
    """Each with its own title, data and axis of time."""
    short = gather(play(start(length_ms=6 * HOUR), look(0), look(6 * HOUR)))
    spec = specification_of_all([gather(missed_refill()), short])
    first, second = spec["vconcat"]
    assert first["title"]["text"] == second["title"]["text"]
    units = [
        node["title"]
        for node in nodes(second)
        if isinstance(node.get("title"), str) and node["title"].endswith("since the start")
    ]
    assert set(units) == {"hours since the start"}


def test_a_picture_needs_nothing_from_elsewhere() -> None:
    """All data are in it."""
    assert not any("url" in node for node in nodes(specification(gather(missed_refill()))))
