"""A scripted pump behind a real pseudo-terminal: a real pump session, and whatever goes wrong."""

import io
import json
import os
import select
import socket
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic_ns
from typing import Any

import pytest

from pump_programmer import cli
from pump_programmer.patience import Patience
from pump_programmer.programmer import Programmer
from pump_protocol import codes as c
from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.payloads import prescription_digest
from pump_protocol.reckoning import dose_totals
from pump_protocol.session import Role, Session
from pump_protocol.units import volume_for_dose

BACLOFEN = m.Drug(c.MassUnit.MICROGRAM, 2_000_000, "baclofen")
PRESCRIPTION = m.Prescription(c.Mode.SIMPLE_CONTINUOUS, (BACLOFEN,), 300_000, 150_000, 2_000_000)
IDENTITY = m.Identity(
    nature=c.Nature.SIMULATOR,
    protocol_version=1,
    security_profile=c.SecurityProfile.LEGACY_INSECURE,
    capabilities=c.Capability(511),
    reservoir_capacity_nl=20_000_000,
    minimum_rate_nl_per_day=6_000,
    minimum_therapeutic_rate_nl_per_day=48_000,
    maximum_rate_nl_per_day=24_000_000,
    maximum_daily_dose_ng=2_000_000,
    maximum_bolus_dose_ng=500_000,
    minimum_bolus_duration_ms=60_000,
    maximum_bolus_duration_ms=86_400_000,
    minimum_concentration_ng_per_ml=1_000,
    maximum_concentration_ng_per_ml=100_000_000,
    maximum_low_reservoir_threshold_nl=10_000_000,
    minimum_silence_ms=60_000,
    maximum_silence_non_critical_ms=86_400_000,
    maximum_silence_critical_ms=7_200_000,
    soft_daily_dose_ng=1_000_000,
    internal_tubing_volume_nl=140_000,
    maximum_priming_volume_nl=1_000_000,
    minimum_bolus_interval_ms=900_000,
    maximum_bolus_interval_ms=7 * 86_400_000,
    minimum_lockout_ms=300_000,
    maximum_lockout_ms=86_400_000,
    maximum_patient_boluses_per_day=24,
    minimum_critical_interval_ms=600_000,
    maximum_critical_interval_ms=7_200_000,
    product="scripted pump (simulator)",
    model="SP-1",
    serial_number="SCRIPT-1",
    firmware_version="0",
)
NOW_MS = 1_000_000
PATIENT = Patience(5_000, 4, 20.0)
IMPATIENT = Patience(50, 2)
"""For where no answer comes."""
LOW_ALARM = m.AlarmRecord(
    c.Alarm.LOW_RESERVOIR, c.AlarmFlag.ACTIVE, NOW_MS - 60_000, None, NOW_MS + 1
)


def report_of(
    slot: c.PrescriptionSlot, version: int, prescription: m.Prescription
) -> m.PrescriptionReport:
    """A prescription as an honest pump reports it."""
    digest = prescription_digest(version, prescription)
    return m.PrescriptionReport(slot, version, digest, dose_totals(prescription), prescription)


def summary_of(prescription: m.Prescription) -> m.PrescriptionSummary:
    """What of a prescription stands in a status report."""
    drug = prescription.drug or m.Drug(c.MassUnit.MICROGRAM, 0, "")
    return m.PrescriptionSummary(
        prescription.mode,
        drug.mass_unit,
        drug.concentration_ng_per_ml,
        prescription.daily_dose_ng,
        prescription.rate_nl_per_day,
        prescription.low_reservoir_threshold_nl,
        len(prescription.drugs),
        drug.name,
    )


class ScriptedPump:
    """A pump that does what it is told, and misbehaves as the test wants.

    ``answers`` replaces the answer to one request class; ``mangle`` what goes out instead of each
    sending (None hangs up); ``trickle_ms`` sends noise whenever nothing has happened for so long.
    """

    def __init__(self, *, over_tcp: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0)) if over_tcp else None
        if self._listener is not None:
            self._master, self._replica = -1, os.open(os.devnull, os.O_RDONLY)
            self.address = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        else:
            self._master, self._replica = os.openpty()
            tty.setraw(self._replica)
            self.address = os.ttyname(self._replica)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stopping = False
        self.session = Session(Role.PUMP)
        self.asked = threading.Event()
        self.requests: list[m.Request[m.Response]] = []
        self.answers: dict[type, Callable[[Any], m.Response]] = {}
        self.mangle: Callable[[bytes], list[bytes | None]] = lambda data: [data]
        self.trickle_ms: int | None = None
        self.prescription = PRESCRIPTION
        self.version = 1
        self.pending: m.Prescription | None = None
        self.last_order = 0
        self.order: m.Request[m.Response] | None = None
        self.order_result: m.Response | None = None
        self.executed: list[m.Request[m.Response]] = []
        self.believed_nl = 5_000_000
        self.soft_limit_ng = IDENTITY.soft_daily_dose_ng
        self.critical_interval_ms = 600_000
        self.note: str | None = "see the file"
        self.next_periodic_ms: int | None = None
        self.clock_ms = 1_795_000_000_000
        self.log = [
            m.LogEntry(number, number, c.LogEvent.SELF_TESTED, 4, 0, 0, 1)
            for number in range(5, 40)
        ]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        os.write(self._wake_write, b"x")
        if self._listener is not None:
            self._listener.close()
        self._thread.join()
        for descriptor in (self._replica, self._wake_read, self._wake_write):
            os.close(descriptor)
        if self._master >= 0:
            os.close(self._master)

    def hang_up(self) -> None:
        """Close the pump's end, as a cable that is pulled."""
        master, self._master = self._master, -1
        os.close(master)

    def forget_link(self) -> None:
        """Start anew, as after an idle limit or a restart."""
        self.session = Session(Role.PUMP)

    def asked_for(self, request_class: type) -> int:
        return sum(isinstance(request, request_class) for request in self.requests)

    # --- The wire --------------------------------------------------------------------------------

    def _run(self) -> None:
        if self._listener is not None:
            connection, _ = self._listener.accept()
            self._master = connection.detach()
        while not self._stopping and self._master >= 0:
            wait_s = None if self.trickle_ms is None else self.trickle_ms / 1_000
            ready, _, _ = select.select([self._master, self._wake_read], [], [], wait_s)
            if self._wake_read in ready:
                return
            if not ready:
                os.write(self._master, b"\xa5\x5a\x01garbage")
                continue
            data = os.read(self._master, 4_096)
            if not data:
                return
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        session = self.session
        session.receive_data(data, monotonic_ns() // 1_000_000)
        while (event := session.next_event()) is not None:
            if isinstance(event, ev.RequestReceived):
                self.requests.append(event.request)
                session.send_response(event, self._answer(event.request))
        data = session.data_to_send()
        if not data:
            return
        for piece in self.mangle(data):
            if piece is None:
                self.hang_up()
                break
            os.write(self._master, piece)
        self.asked.set()

    # --- What an honest pump says ----------------------------------------------------------------

    def _answer(self, request: m.Request[m.Response]) -> m.Response:
        scripted = self.answers.get(type(request))
        if scripted is not None:
            return scripted(request)
        return self.honest(request)

    def honest(  # noqa: C901, PLR0911, PLR0912 - one case for each request, as in a table
        self, request: m.Request[m.Response]
    ) -> m.Response:
        match request:
            case m.OpenLink():
                return m.LinkOpened(120_000, 1_800_000, 120_000, self.last_order)
            case m.CloseLink():
                return m.LinkClosed()
            case m.Identify():
                return IDENTITY
            case m.Interrogate():
                return self.status()
            case m.ReadPrescription(c.PrescriptionSlot.CURRENT):
                return report_of(request.slot, self.version, self.prescription)
            case m.ReadPrescription(c.PrescriptionSlot.PENDING):
                if self.pending is None:
                    return self._nothing_staged(request)
                return report_of(request.slot, self.version + 1, self.pending)
            case m.StagePrescription(prescription):
                self.pending = prescription
                digest = prescription_digest(self.version + 1, prescription)
                totals = dose_totals(prescription)
                must_confirm = totals.with_patient_ng > self.soft_limit_ng
                return m.PrescriptionStaged(
                    self.version + 1, digest, 120_000, must_confirm, totals, prescription
                )
            case m.CommitPrescription():
                return self._commit(request)
            case m.RollBackPrescription():
                if self.pending is None:
                    return self._nothing_staged(request)
                self.pending = None
                return m.PrescriptionRolledBack(self.version)
            case m.OrderBolus() | m.UpdateReservoir() | m.RequestPatientBolus():
                return self._order(request)
            case m.AbortBolus():
                return m.BolusAborted(c.BolusKind.SINGLE, self.last_order, 12_500)
            case m.SetAlarmInterval(alarm_class, interval_ms):
                self.critical_interval_ms = interval_ms
                return m.AlarmIntervalSet(alarm_class, interval_ms)
            case m.ReadNote():
                return m.NoteReport(self.note is not None, self.note or "")
            case m.WriteNote(text):
                self.note = text
                return m.NoteWritten()
            case m.AcknowledgeAlarm(alarm):
                flags = c.AlarmFlag.ACTIVE | c.AlarmFlag.ACKNOWLEDGED
                return m.AlarmAcknowledged(replace(LOW_ALARM, alarm=alarm, flags=flags))
            case m.SilenceAlarm(alarm, duration_ms):
                flags = c.AlarmFlag.ACTIVE | c.AlarmFlag.SILENCED
                until_ms = NOW_MS + duration_ms
                return m.AlarmSilenced(
                    replace(LOW_ALARM, alarm=alarm, flags=flags, silenced_until_ms=until_ms)
                )
            case m.TestAlarm(alarm_class):
                return m.AlarmTested(alarm_class, 3_000)
            case m.ReadLog(first, limit):
                entries = [entry for entry in self.log if entry.sequence >= first]
                return m.LogPage(self.log_range(), tuple(entries[:limit]))
            case m.ReadAccessLog(first, limit):
                access = [
                    m.AccessEntry(
                        number, 1, 2, 3, c.AccessEvent.REFUSED, 9, 16, 21, 0x5EED_A000 + number
                    )
                    for number in range(1, 31)
                    if number >= first
                ]
                return m.AccessLogPage(m.LogRange(1, 31, 0), tuple(access[:limit]))
            case m.SetClock(clock_ms):
                old_ms, self.clock_ms = self.clock_ms, clock_ms
                return m.ClockSet(old_ms, clock_ms)
            case m.SelfTest():
                return m.SelfTestReport(
                    (m.CheckResult(c.Check.LOG, True), m.CheckResult(c.Check.BATTERY, True))
                )
        raise AssertionError(f"no script for {request}")

    def _nothing_staged(self, request: m.Request[m.Response]) -> m.Response:
        reason = m.Reason(c.RefusalCode.NOTHING_STAGED, c.Field.NONE)
        return m.Refusal(request.message_type, (reason,))

    def _commit(self, request: m.CommitPrescription) -> m.Response:
        if self.pending is None:
            return self._nothing_staged(request)
        wanted_ng = dose_totals(self.pending).with_patient_ng
        if wanted_ng > self.soft_limit_ng and request.confirmed_dose_ng != wanted_ng:
            reason = m.Reason(c.RefusalCode.NOT_CONFIRMED, c.Field.HIGHEST_DAILY_DOSE, wanted_ng)
            return m.Refusal(request.message_type, (reason,))
        self.prescription, self.pending = self.pending, None
        self.version += 1
        self.executed.append(request)
        return m.PrescriptionCommitted(self.version, NOW_MS, request.digest)

    def _order(
        self, request: m.OrderBolus | m.UpdateReservoir | m.RequestPatientBolus
    ) -> m.Response:
        if request == self.order:
            assert self.order_result is not None
            return self.order_result
        assert request.order_number > self.last_order
        self.last_order, self.order = request.order_number, request
        self.executed.append(request)
        if isinstance(request, m.UpdateReservoir):
            before_nl, self.believed_nl = self.believed_nl, request.volume_nl
            self.order_result = m.ReservoirUpdated(
                request.order_number, NOW_MS, before_nl, request.volume_nl
            )
        elif isinstance(request, m.RequestPatientBolus):
            self.order_result = m.PatientBolusStarted(
                request.order_number, 10_000, NOW_MS, NOW_MS + 300_000, 3, NOW_MS + 4 * 3_600_000
            )
        else:
            if request.kind is c.BolusKind.SINGLE:
                volume_nl = volume_for_dose(request.dose_ng, request.concentration_ng_per_ml)
            else:
                volume_nl = request.volume_nl
            assert volume_nl == request.volume_nl
            self.order_result = m.BolusOrdered(
                request.order_number, volume_nl, NOW_MS, NOW_MS + request.duration_ms
            )
        return self.order_result

    def log_range(self) -> m.LogRange:
        return m.LogRange(self.log[0].sequence, self.log[-1].sequence + 1, self.log[0].sequence - 1)

    def status(self) -> m.StatusReport:
        return m.StatusReport(
            at_ms=NOW_MS,
            clock_ms=self.clock_ms,
            implanted_clock_ms=self.clock_ms - NOW_MS,
            prescription_version=self.version,
            prescription=summary_of(self.prescription),
            has_pending=self.pending is not None,
            infusing_nl_per_day=self.prescription.rate_nl_per_day,
            believed_volume_nl=self.believed_nl,
            reservoir_capacity_nl=20_000_000,
            delivered_nl=123,
            low_reservoir_at_ms=NOW_MS + 43 * 86_400_000 + 2 * 3_600_000 + 5_000,
            empty_reservoir_at_ms=None,
            last_refill_at_ms=0,
            service_state=c.ServiceState.IN_SERVICE,
            battery_remaining_ppm=987_654,
            eri_at_ms=NOW_MS * 2,
            eos_at_ms=NOW_MS * 3,
            replacement_planned_at_ms=NOW_MS + 6 * 30 * 86_400_000,
            next_periodic_bolus_at_ms=self.next_periodic_ms,
            critical_interval_ms=self.critical_interval_ms,
            next_tone_at_ms=NOW_MS + 60_000,
            therapy_log=self.log_range(),
            access_log=m.LogRange(1, 31, 0),
            patient_boluses=tuple(
                m.PatientBolusState(each.allotted_per_day, 2, NOW_MS + 3_600_000)
                for each in self.prescription.patient_boluses
            ),
            boluses=(
                m.BolusReport(
                    kind=c.BolusKind.SINGLE,
                    outcome=c.BolusOutcome.RUNNING,
                    programmer_id=1,
                    order_number=2,
                    volume_nl=25_000,
                    delivered_nl=12_500,
                    duration_ms=600_000,
                    started_at_ms=NOW_MS - 1,
                ),
            ),
            alarms=(LOW_ALARM,),
        )


@pytest.fixture(autouse=True)
def configuration(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home of its own for each test, so that nobody's keys are read or written.

    The command line accepts pumps without security there, as most tests' pumps are.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "configuration"))
    for name in ("PUMP_KEY", "PUMP_PORT", "PUMP_PROGRAMMER_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PUMP_INSECURE", "1")
    return home


@pytest.fixture
def pump() -> Iterator[ScriptedPump]:
    """A scripted pump, running; what a test sets before it connects is in force."""
    scripted = ScriptedPump()
    scripted.start()
    yield scripted
    scripted.stop()


@pytest.fixture
def tcp_pump() -> Iterator[ScriptedPump]:
    """A scripted pump behind a TCP port, which serves one client once; a test must connect."""
    scripted = ScriptedPump(over_tcp=True)
    scripted.start()
    yield scripted
    scripted.stop()


@pytest.fixture
def connect() -> Callable[..., Programmer]:
    """A programmer, not yet open, so patient that a busy machine makes it repeat nothing.

    It accepts a pump without security, as the scripted one is unless a test gives it keys.
    """

    def make(address: str, **settings: Any) -> Programmer:
        given = {"patience": PATIENT, "programmer_id": 7, "insecure": True, **settings}
        return Programmer(address, **given)

    return make


@pytest.fixture
def programmer(pump: ScriptedPump, connect: Callable[..., Programmer]) -> Iterator[Programmer]:
    """A programmer with an open link to the scripted pump."""
    with connect(pump.address) as connected:
        yield connected


@pytest.fixture
def muted(pump: ScriptedPump, programmer: Programmer) -> Callable[[], AbstractContextManager[None]]:
    """Within it the pump does what it is asked and its answers get lost; nobody waits for long."""

    @contextmanager
    def mute() -> Iterator[None]:
        _set_patience(programmer, IMPATIENT)
        pump.mangle = lambda data: []
        try:
            yield
        finally:
            pump.mangle = lambda data: [data]
            _set_patience(programmer, PATIENT)

    return mute


def _set_patience(programmer: Programmer, patience: Patience) -> None:
    programmer._connection.patience = patience
    if programmer._link is not None:
        programmer._link._session.retry = patience.retry


# --- The command line ----------------------------------------------------------------------------


class Ended:
    """What one run of the command line left behind."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self):
        assert self.out.count("\n") == 1, "one JSON object on one line"
        return json.loads(self.out)

    @property
    def error(self):
        return json.loads(self.err)["error"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``pump-programmer`` in this process, with a terminal to answer from if *typed*."""

    def start(*arguments, typed=None):
        stdin = io.StringIO(typed or "")
        stdin.isatty = lambda: typed is not None
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "argv", ["pump-programmer", *arguments])
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Ended(ended.value.code, captured.out, captured.err)

    return start


@pytest.fixture
def ask(run, pump):
    """Run one command against the scripted pump."""
    return lambda *arguments, typed=None: run(
        "--port", pump.address, "--timeout", "20", *arguments, typed=typed
    )


@pytest.fixture
def ask_briefly(run, pump):
    """The same, where answers get lost: a fourth of this is each attempt's time."""
    return lambda *arguments, typed=None: run(
        "--port", pump.address, "--timeout", "0.6", *arguments, typed=typed
    )
