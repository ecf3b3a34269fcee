"""What no run could make sense of is refused before anything runs, and nothing else is."""

import json
from pathlib import Path

import pytest

from pump_sim import snapshot
from pump_sim.model.hardware.faults import CatheterOcclusion
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.file.therapy import Therapy
from pump_sim.scenario.file.wishes import prescribed
from pump_sim.scenario.reading import sense
from pump_sim.scenario.reading.loading import ScenarioError, load

HEAD = """\
title = "t"
length = "10 d"
"""


BIG = load_profile("pump-40ml")
PUMP = Pump.implant(BIG, prescribed(Therapy(), None, BIG))
STATE = json.dumps(snapshot.dump(PUMP.state()))


def states() -> dict[str, str]:
    """States of pumps with which something has been done, by the names of their files."""
    out, occluded, injecting = (Pump.from_state(PUMP.state()) for _ in range(3))
    out.explant()
    occluded.inject(CatheterOcclusion())
    injecting.inject_catheter(1_000_000, 500_000, 36_000_000)
    pumps = {"out": out, "occluded": occluded, "injecting": injecting}
    return {f"{name}.state": json.dumps(snapshot.dump(p.state())) for name, p in pumps.items()}


STATES = states()


def told(folder: Path, text: str) -> list[str]:
    """Everything that is told of a file, without its name; a state of a pump lies beside it."""
    (folder / "pump.state").write_text(STATE, "utf-8")
    for name, state in STATES.items():
        (folder / name).write_text(state, "utf-8")
    (folder / "bad.state").write_text(STATE.replace('"serial_number"', '"serial"'), "utf-8")
    path = folder / "a.toml"
    path.write_text(text, "utf-8")
    try:
        load(path)
    except ScenarioError as error:
        return [each.text for each in error.problems]
    return []


def act(time: str, *keys: str) -> str:
    """An act of a file."""
    return "\n".join(["[[at]]", f'time = "{time}"', *keys, ""])


def expect(*keys: str) -> str:
    """An expectation of a file."""
    return "\n".join(["[[expect]]", *keys, ""])


OPTIONS = """\
[[choice]]
name = "way"
time = "2 d"
ask = "Which?"
[[choice.option]]
name = "one"
title = "One"
[[choice.option]]
name = "two"
title = "Two"
"""

EXPLANT = act("1 d", 'hands = "explant"')
IMPLANT = act("2 d", 'hands = "implant"', 'serial_number = "NEW"')
FILL = act("3 d", 'hands = "fill"', 'volume = "20 mL"')
INJECTION = (
    'hands = "inject_catheter"',
    'volume = "1 mL"',
    'concentration = "500 mcg/mL"',
)
LONG = (*INJECTION, 'over = "10 h"')
TAKE_OUT = 'hands = "explant"'
PUT_IN = ('hands = "implant"', 'serial_number = "NEW"')
GONE = "no pump is there: it was taken out at 1 d"

# Each case: what stands in the file, and the beginning of the one thing that is told of it.
SENSELESS = {
    # times
    "act after the end": (
        FILL.replace("3 d", "11 d"),
        'at[0].time = "11 d": the scenario ends at 10 d.',
    ),
    "told after the end": (
        '[[say]]\ntime = "10 d 1 ms"\ntext = "x"\n',
        'say[0].time = "10 d 1 ms": the scenario ends at 10 d.',
    ),
    "decided after the end": (
        OPTIONS.replace("2 d", "11 d"),
        'choice[0].time = "11 d": the scenario ends at 10 d.',
    ),
    "act in the past": (
        OPTIONS + '[[choice.option.at]]\ntime = "1 d"\nprogrammer = "stop"\n',
        'choice[0].option[1].at[0].time = "1 d": in the past: way is decided at 2 d.',
    ),
    "told in the past": (
        OPTIONS + '[[choice.option.say]]\ntime = "1 d"\ntext = "x"\n',
        'choice[0].option[1].say[0].time = "1 d": in the past: way is decided at 2 d.',
    ),
    "expected in the past": (
        OPTIONS + '[[choice.option.expect]]\nmode = "flex"\nat = "1 d"\n',
        'choice[0].option[1].expect[0].at = "1 d": in the past: way is decided at 2 d.',
    ),
    "decided in the past": (
        OPTIONS + '[[choice.option.choice]]\nname = "later"\ntime = "1 d"\nask = "?"\noption = ['
        '{ name = "a", title = "a" }, { name = "b", title = "b" }]\n',
        'choice[0].option[1].choice[0].time = "1 d": in the past: way is decided at 2 d.',
    ),
    # names
    "two choices of a name": (
        OPTIONS + OPTIONS.replace("one", "three").replace("two", "four"),
        'choice[1].name = "way": another choice of the file has this name.',
    ),
    "two options of a name": (
        OPTIONS.replace("two", "one"),
        'choice[0].option[1].name = "one": another option has this name.',
    ),
    "a refusal that is none": (
        expect('access = "authenticated"', 'refused = "not_near"', "count = 1"),
        'expect[0].refused = "not_near": authenticated is no refusal.',
    ),
    "a refusal that is not known": (
        expect('access = "refused"', 'refused = "not_nere"', "count = 1"),
        'expect[0].refused = "not_nere": no refusal has this code. Known are malformed,',
    ),
    "a head on the pump and out of reach": (
        act("1 d", 'hands = "proximity"', "in_reach = false", "on_pump = true"),
        "at[0].on_pump = true: what is out of reach cannot lie on the pump.",
    ),
    "a head that goes nowhere": (
        act("1 d", 'hands = "proximity"'),
        'at[0].hands = "proximity": what changes is missing: on_pump or in_reach.',
    ),
    "a user twice": ('users = ["ci", "ci"]', 'users[1] = "ci": it is there already.'),
    # the start
    "unknown profile": (
        '[pump]\nprofile = "x"',
        'pump.profile = "x": no profile ',
    ),
    "too full": (
        '[pump]\nvolume = "21 mL"',
        'pump.volume = "21 mL": the pump holds at most 20 mL.',
    ),
    "long serial number": (
        f'[pump]\nserial_number = "{"é" * 20}"',
        f'pump.serial_number = "{"é" * 20}": allowed are 1 to 32 bytes of printable text.',
    ),
    "implanted before 1970": (
        '[pump]\nage = "2000 d"\nclock = 1971-01-01T00:00:00',
        'pump.age = "2000 d": it would have been implanted before 1970.',
    ),
    "age in the box": (
        '[pump]\nage = "2 d"\nimplanted = false',
        'pump.age = "2 d": a pump that is not implanted has no age.',
    ),
    "prescription refused": (
        '[prescription]\ndose = "3 mg/day"',
        "prescription: the pump refuses it: daily dose 3000 mcg/day out of range, allowed",
    ),
    "state and profile": (
        '[pump]\nstate = "pump.state"\nprofile = "pump-20ml"',
        'pump.profile = "pump-20ml": state excludes it: the file of the state says how it is.',
    ),
    "state and prescription": (
        'prescription = { dose = "3 mcg/day" }\n[pump]\nstate = "pump.state"\n',
        "prescription: pump.state excludes it: the state has one in force.",
    ),
    "no state": (
        '[pump]\nstate = "none.json"',
        'pump.state = "none.json": there is no such file in the folder of the scenario.',
    ),
    "a state that is none": (
        '[pump]\nstate = "bad.state"',
        'pump.state = "bad.state": state: serial_number is missing; ',
    ),
    "a state that is no JSON": (
        '[pump]\nstate = "a.toml"',
        'pump.state = "a.toml": it is no JSON: ',
    ),
    "too much for the pump of the state": (
        '[pump]\nstate = "pump.state"\n' + act("1 d", 'hands = "fill"', 'volume = "41 mL"'),
        'at[0].volume = "41 mL": the pump holds at most 40 mL.',
    ),
    # pumps that are not there
    "fill of no pump": (EXPLANT + FILL, f'at[1].hands = "fill": {GONE}.'),
    "press of no pump": (
        EXPLANT + act("3 d", 'hands = "press"'),
        f'at[1].hands = "press": {GONE}.',
    ),
    "scan of no pump": (
        EXPLANT + act("3 d", 'hands = "mri_scan"'),
        f'at[1].hands = "mri_scan": {GONE}.',
    ),
    "explant of no pump": (EXPLANT * 2, f'at[1].hands = "explant": {GONE}.'),
    "fault of no pump": (
        EXPLANT + act("3 d", 'fault = "motor_stall"'),
        f'at[1].fault = "motor_stall": {GONE}.',
    ),
    "programmer of no pump": (
        EXPLANT + act("3 d", 'programmer = "interrogate"'),
        f'at[1].programmer = "interrogate": {GONE}, so that outcome must be no_answer.',
    ),
    "an emergency of nobody's pump": (
        EXPLANT + act("3 d", 'programmer = "emergency"', 'what = "stop"', 'outcome = "no_answer"'),
        f'at[1].programmer = "emergency": {GONE}, so that outcome must be unknown.',
    ),
    "replacement of no pump": (
        EXPLANT + IMPLANT.replace('"implant"', '"replace"'),
        f'at[1].hands = "replace": {GONE}. Use implant.',
    ),
    "fill of a pump in the box": (
        "[pump]\nimplanted = false\n" + FILL,
        'at[0].hands = "fill": no pump is there: it has not been implanted by then.',
    ),
    "a second pump": (
        IMPLANT,
        'at[0].hands = "implant": a pump is there already. Take it out first, or use replace.',
    ),
    "acts in the order of time, not of the file": (
        FILL + EXPLANT,
        f'at[0].hands = "fill": {GONE}.',
    ),
    "in one way only": (
        OPTIONS + '[[choice.option.at]]\ntime = "2 d"\nhands = "explant"\n' + FILL,
        'at[0].hands = "fill": no pump is there: it was taken out at 2 d (way=two).',
    ),
    # hands
    "fill above capacity": (
        act("1 d", 'hands = "fill"', 'volume = "21 mL"'),
        'at[0].volume = "21 mL": the pump holds at most 20 mL.',
    ),
    "new pump above its capacity": (
        EXPLANT + IMPLANT + 'volume = "41 mL"\nprofile = "pump-40ml"\n',
        'at[1].volume = "41 mL": the pump holds at most 40 mL.',
    ),
    "fill with more than there is": (
        act("1 d", 'hands = "fill"', 'volume = "20 mL"', 'concentration = "400 mg/mL"'),
        'at[0].concentration = "400 mg/mL": allowed are up to ',
    ),
    "too much beside the pump": (
        act("1 d", 'hands = "fill_pocket"', 'volume = "21 mL"'),
        'at[0].volume = "21 mL": the pump holds at most 20 mL.',
    ),
    "an injection in no time": (
        act("1 d", *INJECTION, 'over = "0 s"'),
        'at[0].over = "0 s": allowed are 1 s to 1 d.',
    ),
    "two injections at once": (
        act("1 d", *INJECTION, 'over = "2 min"') + act("1 d 1 min", *INJECTION),
        'at[1].time = "1 d 1 min": the injection before goes on until 1 d 2 min.',
    ),
    "an injection after an occlusion is over": (
        act("1 d", 'fault = "catheter_occlusion"', 'for = "1 h"')
        + act("1 d 2 h", *LONG)
        + act("1 d 3 h", *LONG),
        'at[2].time = "1 d 3 h": the injection before goes on until 1 d 12 h.',
    ),
    "an injection after that of a state": (
        '[pump]\nstate = "injecting.state"\n' + act("1 h", *LONG),
        'at[0].time = "1 h": the injection before goes on until 10 h.',
    ),
    "a fill of a pump that is out in its state": (
        '[pump]\nstate = "out.state"\n' + FILL,
        'at[0].hands = "fill": no pump is there: ',
    ),
    "scan of no length": (
        act("1 d", 'hands = "mri_scan"', 'field = "0 s"'),
        'at[0].field = "0 s": allowed are 1 to 86,400,000 ms.',
    ),
    "unknown profile of a new pump": (
        EXPLANT + IMPLANT + 'profile = "x"\n',
        'at[1].profile = "x": no profile ',
    ),
    # the programmer
    "unknown refusal": (
        act("1 d", 'programmer = "stop"', 'refused = "out_of_rang"'),
        'at[0].refused = "out_of_rang": no refusal has this code. Known are malformed,',
    ),
    "unknown refusal of the button": (
        act("1 d", 'hands = "press"', 'refused = "locked"'),
        'at[0].refused = "locked": no refusal has this code. Known are malformed,',
    ),
    "refused, and done": (
        act("1 d", 'programmer = "stop"', 'refused = "wrong_mode"', 'outcome = "done"'),
        'at[0].outcome = "done": refused is given, which is another outcome.',
    ),
    "cut without a cut": (
        act("1 d", 'programmer = "stop"', 'outcome = "cut"'),
        'at[0].outcome = "cut": nothing cuts this act: the key cut is missing.',
    ),
    "replay of what no act sends": (
        act("1 d", 'programmer = "interrogate"')
        + act("2 d", 'programmer = "replay"', 'message = "read_note"'),
        'at[1].message = "read_note": no act before this one sends it.',
    ),
    "forgery of what no act sends": (
        act("1 d", 'programmer = "interrogate"')
        + act("2 d", 'programmer = "forge"', 'message = "test_alarm"'),
        'at[1].message = "test_alarm": no act before this one sends it.',
    ),
    "replay of nothing": (
        act("1 d", 'programmer = "replay"', 'message = "order_bolus"'),
        'at[0].message = "order_bolus": no act before this one sends it.',
    ),
    "replay of a response": (
        act("1 d", 'programmer = "replay"', 'message = "bolus_ordered"'),
        'at[0].message = "bolus_ordered": no request has this name. Known are open_link,',
    ),
    "replay that is changed": (
        act("1 d", 'programmer = "interrogate"')
        + act("2 d", 'programmer = "replay"', 'message = "interrogate"', "bit = 3"),
        "at[1].bit = 3: of a replay, no bit is flipped: bit is for forge.",
    ),
    "replay of what only keys bring": (
        '[pump]\nsecurity = "legacy-insecure"\n'
        + act("1 d", 'programmer = "interrogate"')
        + act("2 d", 'programmer = "replay"', 'message = "authenticate"'),
        'at[1].message = "authenticate": no act before this one sends it.',
    ),
    "replay after an emergency": (
        act("1 d", 'programmer = "emergency"', 'what = "stop"')
        + act("2 d", 'programmer = "replay"', 'message = "open_link"'),
        'at[1].message = "open_link": no act before this one sends it.',
    ),
    "a key of a pump without keys": (
        '[pump]\nsecurity = "legacy-insecure"\n' + act("1 d", 'programmer = "pair"'),
        'at[0].programmer = "pair": a legacy-insecure pump has no keys.',
    ),
    # faults
    "unknown fault": (
        act("1 d", 'fault = "motor_stal"'),
        'at[0].fault = "motor_stal": no fault has this name. Known are flow_error, motor_stall,',
    ),
    "unknown parameter": (
        act("1 d", 'fault = "flow_error"', "factor_ppm = 3", "factor = 4"),
        "at[0].factor = 4: no such key here: flow_error takes factor_ppm. Did you mean factor_ppm?",
    ),
    "missing parameter": (
        act("1 d", 'fault = "flow_error"'),
        "at[0].factor_ppm: it is missing (what is delivered of what is commanded): 0 to 10,000,000",
    ),
    "parameter out of range": (
        act("1 d", 'fault = "flow_error"', "factor_ppm = -1"),
        "at[0].factor_ppm = -1: allowed are 0 to 10,000,000 ppm.",
    ),
    "parameter of another type": (
        act("1 d", 'fault = "mri_scan"', 'field_ms = "45 mL"'),
        "at[0].field_ms = \"45 mL\": 'mL' is no unit of duration. Units: min, h, d, s, ms.",
    ),
    "a blow that lasts": (
        act("1 d", 'fault = "brown_out"', 'for = "1 h"'),
        'at[0].for = "1 h": this fault strikes at one moment and does not last.',
    ),
    "a scan that lasts otherwise": (
        act("1 d", 'fault = "mri_scan"', 'for = "1 h"'),
        'at[0].for = "1 h": this fault has a duration of its own: field_ms and recovery_ms.',
    ),
    "a fault for no time": (
        act("1 d", 'fault = "motor_stall"', 'for = "0 s"'),
        'at[0].for = "0 s": allowed is 1 ms or more.',
    ),
    "clear of an unknown fault": (
        act("1 d", 'clear = "motor_stal"'),
        'at[0].clear = "motor_stal": no fault has this name. Known are flow_error, ',
    ),
    "clear of no fault": (
        act("1 d", 'clear = "motor_stall"') + act("2 d", 'fault = "motor_stall"'),
        'at[0].clear = "motor_stall": no act before this one breaks it.',
    ),
    "clear of a blow": (
        act("1 d", 'fault = "brown_out"') + act("2 d", 'clear = "brown_out"'),
        'at[1].clear = "brown_out": this fault strikes at one moment and leaves nothing to clear.',
    ),
    "clear of what is over": (
        act("1 d", 'fault = "motor_stall"', 'for = "1 h"') + act("2 d", 'clear = "motor_stall"'),
        'at[1].clear = "motor_stall": it is over by itself at 1 d 1 h.',
    ),
    "clear of the fault of another pump": (
        act("12 h", 'fault = "motor_stall"')
        + EXPLANT
        + IMPLANT
        + act("3 d", 'clear = "motor_stall"'),
        'at[3].clear = "motor_stall": no act before this one breaks it.',
    ),
    # expectations
    "at after the end": (
        expect('alarm = "eri"', 'at = "11 d"'),
        'expect[0].at = "11 d": the scenario ends at 10 d.',
    ),
    "by after the end": (
        expect('alarm = "eri"', 'by = "11 d"'),
        'expect[0].by = "11 d": the scenario ends at 10 d.',
    ),
    "between after the end": (
        expect('alarm = "eri"', 'between = ["1 d", "11 d"]'),
        'expect[0].between[1] = "11 d": the scenario ends at 10 d.',
    ),
    "until after the end": (
        expect('alarm = "eri"', "never = true", 'until = "11 d"'),
        'expect[0].until = "11 d": the scenario ends at 10 d.',
    ),
    "after after the end": (
        expect('alarm = "eri"', "count = 1", 'after = "11 d"'),
        'expect[0].after = "11 d": the scenario ends at 10 d.',
    ),
    "value after the end": (
        expect('mode = "flex"', 'at = "11 d"'),
        'expect[0].at = "11 d": the scenario ends at 10 d.',
    ),
    "received after the end": (
        expect('received = "1 mg"', 'until = "11 d"'),
        'expect[0].until = "11 d": the scenario ends at 10 d.',
    ),
    "between reversed": (
        expect('alarm = "eri"', 'between = ["2 d", "1 d"]'),
        "expect[0].between: the earlier moment comes first.",
    ),
    "after beyond by": (
        expect('alarm = "eri"', 'after = "3 d"', 'by = "2 d"'),
        'expect[0].after = "3 d": by is over before it begins.',
    ),
    "after beyond at": (
        expect('alarm = "eri"', 'after = "3 d"', 'at = "2 d"'),
        'expect[0].after = "3 d": at is over before it begins.',
    ),
    "after beyond until": (
        expect('alarm = "eri"', 'after = "3 d"', "never = true", 'until = "2 d"'),
        'expect[0].after = "3 d": until is over before it begins.',
    ),
    "within without at": (
        expect('alarm = "eri"', 'within = "1 h"', 'by = "2 d"'),
        'expect[0].within = "1 h": it goes with at.',
    ),
    "range reversed": (
        expect('actual_volume = ["3 mL", "2 mL"]', 'at = "2 d"'),
        "expect[0].actual_volume: the least comes first, and is not above the most.",
    ),
    "unknown event": (
        expect('log = "motor_recoverd"', "count = 1"),
        'expect[0].log = "motor_recoverd": the log has no such event. Known are implanted,',
    ),
    "unused parameter": (
        expect('log = "reset"', "b = 1", "count = 1"),
        "expect[0].b = 1: reset leaves b unused: it is always 0.",
    ),
    "a flag twice": (
        expect('flags = ["overdose", "overdose"]', 'at = "1 d"'),
        'expect[0].flags[1] = "overdose": it is there already.',
    ),
    "an alarm twice": (
        expect('alarms = ["eri", "eos", "eri"]', 'at = "1 d"'),
        'expect[0].alarms[2] = "eri": it is there already.',
    ),
    "ratio before any fill": (
        FILL + expect('delivered_ratio = "100 %"', 'at = "2 d"'),
        "expect[0]: no act fills the reservoir before that moment.",
    ),
    "ratio in one way only": (
        OPTIONS
        + '[[choice.option.at]]\ntime = "2 d"\nhands = "fill"\nvolume = "20 mL"\n'
        + expect('delivered_ratio = "100 %"', 'at = "2 d"'),
        "expect[0]: no act fills the reservoir before that moment (way=one).",
    ),
    "no tone with an interval": (
        expect('tone = "none"', 'every = "1 h"', 'at = "2 d"'),
        'expect[0].every = "1 h": no tone has no interval.',
    ),
}


@pytest.mark.parametrize("name", SENSELESS)
def test_what_makes_no_sense_is_told(tmp_path: Path, name: str) -> None:
    """One fault in a file that has no other: one sentence, with the key, the value and why."""
    text, beginning = SENSELESS[name]
    (only,) = told(tmp_path, HEAD + text)
    assert only.startswith(beginning)
    if beginning.endswith("."):
        assert only == beginning


def test_a_pump_of_a_state_file_may_have_keys_or_none() -> None:
    """That is no part of its state; how it is updated is."""
    keys = {"state": "x.json", "security": "legacy-insecure", "updates": "historic"}
    scenario = Scenario.model_validate({"title": "t", "length": "1 d", "pump": keys})
    wrong = [".".join(map(str, place)) for place, _ in sense.problems(scenario, Path())]
    assert wrong == ["pump.updates", "pump.state"]


def test_what_keys_bring_may_be_sent_again(tmp_path: Path) -> None:
    """A handshake of any visit, and emergency access after it was used."""
    text = (
        act("1 d", 'programmer = "interrogate"')
        + act("1 d", 'programmer = "emergency"', 'what = "minimum_rate"', 'refused = "not_near"')
        + act("2 d", 'programmer = "replay"', 'message = "authenticate"')
        + act("2 d", 'programmer = "replay"', 'message = "emergency_minimum_rate"')
    )
    (tmp_path / "fine.toml").write_text(HEAD + text, "utf-8")
    assert load(tmp_path / "fine.toml").scenario.at[3].time_ms == 2 * 86_400_000


def test_an_unknown_event_brings_the_nearest(tmp_path: Path) -> None:
    """Who mistypes an event, a refusal, a fault or a message is asked whether it is the nearest."""
    for text, near in (
        (expect('log = "motor_recoverd"', "count = 1"), "motor_recovered"),
        (act("1 d", 'hands = "press"', 'refused = "lockd_out"'), "locked_out"),
        (act("1 d", 'fault = "motor_stal"'), "motor_stall"),
        (act("1 d", 'clear = "motor_stal"'), "motor_stall"),
        (act("1 d", 'programmer = "forge"', 'message = "ordr_bolus"'), "order_bolus"),
    ):
        (only,) = told(tmp_path, HEAD + text)
        assert only.endswith(f"Did you mean {near}?")


# What is at the very edge of sense, or contradicts only itself, is for a run to judge.
SENSIBLE = {
    "at the end": FILL.replace("3 d", "10 d") + expect('mode = "flex"', 'at = "10 d"'),
    "at the moment of the choice": OPTIONS
    + '[[choice.option.at]]\ntime = "2 d"\nprogrammer = "stop"\n'
    + '[[choice.option.expect]]\nmode = "stopped"\nat = "2 d"\n'
    + '[[choice.option.expect]]\nreceived = "1 mg"\nuntil = "2 d"\n',
    "expectations that exclude each other": expect('mode = "flex"', 'at = "1 d"')
    + expect('mode = "stopped"', 'at = "1 d"'),
    "another pump": EXPLANT + IMPLANT + FILL,
    "a pump in the box": "[pump]\nimplanted = false\n" + IMPLANT + FILL,
    "another pump in one way, none in the other": OPTIONS
    + '[[choice.option.at]]\ntime = "2 d"\nhands = "explant"\n'
    + '[[choice.option.at]]\ntime = "2 d 1 h"\nhands = "implant"\nserial_number = "N"\n'
    + FILL,
    "a programmer that finds nobody": EXPLANT
    + act("3 d", 'programmer = "interrogate"', 'outcome = "no_answer"'),
    "a pump from a state": '[pump]\nstate = "pump.state"\n'
    + act("1 d", 'hands = "fill"', 'volume = "40 mL"')
    + act("2 d", 'clear = "motor_stall"'),
    "a bigger pump": EXPLANT
    + IMPLANT
    + 'profile = "pump-40ml"\nvolume = "40 mL"\n'
    + act("3 d", 'hands = "fill"', 'volume = "40 mL"'),
    "one injection after another": act("1 d", *INJECTION) + act("1 d 1 min", *INJECTION),
    "an injection after the pump of the one before": act("1 d", *LONG)
    + act("1 d 1 h", TAKE_OUT)
    + act("1 d 2 h", *PUT_IN)
    + act("1 d 3 h", *LONG),
    "an injection after one that a replacement ended": act("1 d", *LONG)
    + act("1 d 1 h", 'hands = "replace"', 'serial_number = "NEW"')
    + act("1 d 2 h", *LONG),
    "an injection after one that an occlusion ended": act("1 d", *LONG)
    + act("1 d 1 h", 'fault = "catheter_occlusion"', 'for = "1 h"')
    + act("1 d 2 h", *LONG),
    "an injection after one that a disconnection ended": act("1 d", *LONG)
    + act("1 d 1 h", 'fault = "catheter_disconnection"', 'for = "1 h"')
    + act("1 d 2 h", *LONG),
    "an injection after one that never began": act("1 d", 'fault = "catheter_occlusion"')
    + act("1 d 1 h", *LONG)
    + act("1 d 2 h", *LONG)
    + act("1 d 3 h", 'clear = "catheter_occlusion"')
    + act("1 d 4 h", *LONG),
    "a pump from a state, that is out": '[pump]\nstate = "out.state"\nimplanted = false\n'
    + act("1 d", *PUT_IN)
    + act("2 d", *LONG),
    "a pump from a state, that is out, as the state says": '[pump]\nstate = "out.state"\n'
    + act("1 d", *PUT_IN)
    + act("2 d", *LONG),
    "an injection into the occluded catheter of a state": '[pump]\nstate = "occluded.state"\n'
    + act("1 d", *LONG)
    + act("1 d 1 h", *LONG),
    "a fault that is cleared": act("1 d", 'fault = "motor_stall"', 'for = "3 d"')
    + act("2 d", 'clear = "motor_stall"'),
    "a scan that is cleared": act("1 d", 'hands = "mri_scan"')
    + act("1 d 10 min", 'clear = "mri_scan"'),
    "parameters with units": act(
        "1 d", 'fault = "intermittent_stall"', 'mean_gap_ms = "1 d"', 'mean_stall_ms = "20 min"'
    ),
    "a refusal that only the wire knows": act("1 d", 'programmer = "bolus"', 'dose = "1 mg"')
    + 'over = "1 min"\n'
    + act("2 d", 'programmer = "replay"', 'message = "order_bolus"', 'refused = "link_not_open"'),
    "a request that every act sends": act("1 d", 'programmer = "self_test"')
    + act("2 d", 'programmer = "forge"', 'message = "interrogate"', "bit = 3"),
    "a ratio at the fill": FILL + expect('delivered_ratio = "100 %"', 'at = "3 d"'),
    "a prescription that is refused later": act(
        "1 d", 'programmer = "program"', 'dose = "9 mg/day"', 'refused = "out_of_range"'
    ),
    "late after, and near enough": expect(
        'alarm = "eri"', 'after = "2 d 1 h"', 'at = "2 d"', 'within = "2 h"'
    ),
}


@pytest.mark.parametrize("name", SENSIBLE)
def test_what_could_make_sense_is_not_refused(tmp_path: Path, name: str) -> None:
    """A run decides what is met; a file is refused only for what no run could decide."""
    assert told(tmp_path, HEAD + SENSIBLE[name]) == []


def test_every_fault_of_sense_is_told_at_once(tmp_path: Path) -> None:
    """Of several entries, all; in the order of their lines."""
    text = HEAD + FILL.replace("3 d", "11 d") + expect('log = "x"', 'at = "12 d"') + EXPLANT * 2
    assert [each.split(":")[0].split(" =")[0] for each in told(tmp_path, text)] == [
        "at[0].time",
        "at[0].hands",
        "expect[0].log",
        "expect[0].at",
        "at[2].hands",
    ]


def test_there_are_not_more_ways_than_a_check_can_try(tmp_path: Path) -> None:
    """Choices multiply: a file with too many ways is refused, however many there would be."""

    def choices(count: int) -> str:
        return "".join(
            OPTIONS.replace('"way"', f'"way-{each}"')
            .replace('"one"', f'"one-{each}"')
            .replace('"two"', f'"two-{each}"')
            for each in range(count)
        )

    assert told(tmp_path, HEAD + choices(8)) == []
    assert told(tmp_path, HEAD + choices(9)) == [
        f"choice: 512 ways through the choices: allowed are {sense.MOST_BRANCHES}."
    ]
    assert "ways through the choices" in told(tmp_path, HEAD + choices(300))[0]


def test_no_time_is_no_scenario(tmp_path: Path) -> None:
    """Nothing can happen in a scenario of no length."""
    assert told(tmp_path, 'title = "t"\nlength = "0 s"\n') == [
        'length = "0 s": nothing can happen in no time.'
    ]
