"""The programmer behind all pages: connected or not, in doubt or not, and who holds a review.

Its methods block, and are called in one thread, one after the other; only :meth:`Desk.standing` may
be called in any. What pages ask for beyond that is in the modules beside it.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Final, TypeVar

from pump_programmer.errors import OutcomeUnknown, ProgrammerError, PumpGone, WrongPeer
from pump_programmer.programmer import Prepared, Programmer
from pump_programmer.settling import settle
from pump_programmer.web.access import Access
from pump_programmer.web.outcomes import (
    NotDone,
    Resolved,
    another_pump,
    in_doubt,
    nobody_to_ask,
    not_connected,
    nothing_in_doubt,
    stale_review,
)
from pump_programmer.web.standing import MAY, Held, Standing
from pump_programmer.web.troubles import problem_of
from pump_programmer.web.wording import on_page
from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.errors import LocalError
from pump_protocol.jsonable import Json
from pump_protocol.web.problems import Problem

T = TypeVar("T")

ROLLED_BACK_BEFORE_S: Final = 10.0
"""A review that nobody commits is dropped so long before the pump would drop it with an alarm."""


class Desk:
    """One programmer for all pages.

    :param changed: called in the worker's thread whenever :attr:`standing` is another one.
    """

    def __init__(self, access: Access, changed: Callable[[], None] = lambda: None) -> None:
        self.access = access
        self._changed = changed
        self._programmer = access.programmer()
        self._standing = Standing()
        self._doubted = ""

    @property
    def standing(self) -> Standing:
        """How things stand."""
        return self._standing

    # --- The connection --------------------------------------------------------------------------

    def connect(self, role: UserRole | None = None) -> None:
        """Open port and link, if they are not open.

        :param role: of the stored key that is to be used from now on.
        :raises ProgrammerError, LocalError: why not; :attr:`standing` says so, too.
        """
        if role is not None and role is not self.access.role:
            self._check_no_doubt()
            self.disconnect()
            self.access = self.access.as_role(role)
            self._programmer = self.access.programmer()
        if self._standing.connection == "open":
            return
        before = self._standing.identity
        try:
            self._programmer.open()
            identity = self._programmer.identify()
            self._check_same(before, identity)
        except (ProgrammerError, LocalError, Problem) as error:
            self._fail(error if isinstance(error, Problem) else problem_of(error))
            raise
        held = self._standing.held
        if held is not None and held.serial_number != identity.serial_number:
            self._stand(held=None)
        may = tuple(name for name, kind in MAY.items() if self._programmer.may_send(kind))
        self._stand(
            connection="open", why=None, identity=identity, role=self._programmer.role, may=may
        )

    def disconnect(self) -> None:
        """Drop a review, and give the port to others. Any pump may be connected next."""
        self._give_back()
        self._stand(identity=None)

    def _give_back(self) -> None:
        if self._standing.connection == "open":
            self.drop_review()
        self._programmer.close()
        self._stand(connection="closed", why=None, role=None, may=())

    def look(self) -> None:
        """What is to be seen without asking anybody: a lost port, and a review that nobody ends."""
        if self._standing.connection != "open":
            return
        try:
            self._programmer.notice_loss()
        except PumpGone as gone:
            self._lose(gone)
            return
        held = self._standing.held
        if held is not None and not held.left_s:
            self.drop_review()

    def end(self) -> None:
        """The last thing: leave nothing staged, and give the port back."""
        self.disconnect()

    @contextmanager
    def port_given_back(self) -> Iterator[None]:
        """Within it others may have the port; a review is dropped, and the link opened anew."""
        was_open = self._standing.connection == "open"
        self._give_back()
        try:
            yield
        finally:
            if was_open:
                self.try_connect()

    def try_connect(self, role: UserRole | None = None) -> None:
        """Connect if that is possible; :attr:`standing` says why not."""
        try:
            self.connect(role)
        except (ProgrammerError, LocalError, Problem):
            return

    # --- Asking the pump -------------------------------------------------------------------------

    def read(self, do: Callable[[Programmer], T]) -> T:
        """Ask what changes nothing.

        :raises Problem: there is no connection.
        :raises ProgrammerError: as the programmer.
        """
        if self._standing.connection != "open":
            raise not_connected(self.access.address)
        try:
            return do(self._programmer)
        except PumpGone as gone:
            self._lose(gone)
            raise
        except WrongPeer as wrong:
            # Whoever it is, a person looks at it before it is asked for anything more.
            self._fail(problem_of(wrong))
            self._stand(identity=None)
            raise
        except OutcomeUnknown as unknown:
            if isinstance(unknown.__cause__, PumpGone):
                self._lose(unknown.__cause__)
            raise

    def begin(self, do: Callable[[Programmer], T]) -> T:
        """Ask for what changes no therapy yet, and is the first half of what does.

        :raises Problem: no connection, or an earlier act is in doubt.
        """
        self._check_no_doubt()
        return self.read(do)

    def act(self, do: Callable[[Programmer], T]) -> T | Resolved:
        """Ask for a change. If its answer is lost, the pump is asked at once what became of it.

        :raises Problem: no connection, an earlier act is in doubt, or this one was not done.
        :raises OutcomeUnknown: nobody knows; :attr:`standing` says so, too.
        """
        self._check_no_doubt()
        try:
            done: T | Resolved = self.read(do)
        except OutcomeUnknown as unknown:
            try:
                done = self._settle(unknown)
            except OutcomeUnknown:
                self._doubt()
                raise
        self._stand(changes=self._standing.changes + 1)
        return done

    def note_change(self) -> None:
        """The pump was changed by other means than :meth:`act`."""
        self._stand(changes=self._standing.changes + 1)

    def resolve(self, *, give_up: bool = False) -> dict[str, Json]:
        """Find out what became of the act that is in doubt.

        :param give_up: know that nobody knows, and go on.
        """
        doubted = self._standing.in_doubt
        if doubted is None:
            raise nothing_in_doubt()
        if give_up:
            self._programmer.close()
            self._programmer = self.access.programmer()
            self._stand(connection="closed", role=None, may=(), in_doubt=None)
            text = "nobody asked the pump any more; read its log, and look at the patient"
            return {"resolved": {"done": None, "text": text, "advice": None}}
        found = self.read(lambda programmer: programmer.resolve())
        self._stand(changes=self._standing.changes + 1, in_doubt=None)
        advice = None
        if found.done is None:
            advice = "Interrogate the pump and read its log before anything is done again."
        return {"resolved": {"done": found.done, "text": on_page(found.text), "advice": advice}}

    # --- The review ------------------------------------------------------------------------------

    def hold(self, page: str, prepared: Prepared) -> Held:
        """Keep what is staged for a page."""
        identity = self._standing.identity
        assert identity is not None, "it was staged on a pump"
        lasts_s = prepared.staged.expires_in_ms / 1_000
        # Half of it where a pump waits for so short a time.
        lasts_s -= min(ROLLED_BACK_BEFORE_S, lasts_s / 2)
        held = Held(
            secrets.token_urlsafe(9), page, identity.serial_number, prepared, monotonic() + lasts_s
        )
        self._stand(held=held)
        return held

    def held(self, review_id: str) -> Held:
        """The review of that id.

        :raises Problem: it is not, or no longer, the one that is held.
        """
        held = self._standing.held
        if held is None or held.review_id != review_id:
            raise stale_review()
        return held

    def let_go(self) -> None:
        """Hold no review any more; what is staged is not touched."""
        self._stand(held=None)

    def drop_review(self) -> None:
        """Roll back what is held, if the pump still answers; else it expires by itself."""
        if self._standing.held is None:
            return
        self._stand(held=None)
        try:
            self.read(lambda programmer: programmer.roll_back())
        except (ProgrammerError, LocalError, Problem):
            return

    # --- Inside ----------------------------------------------------------------------------------

    def _settle(self, unknown: OutcomeUnknown) -> Resolved:
        if self._standing.connection != "open":
            raise unknown
        settled = settle(self._programmer, unknown)
        if not settled.resolution.done:
            raise NotDone(settled.text)
        return Resolved(settled.text)

    def _check_no_doubt(self) -> None:
        doubted = self._programmer.in_doubt
        if doubted is not None:
            raise in_doubt(doubted)

    def _doubt(self) -> None:
        """Remember what is unknown, and whom to ask."""
        identity = self._standing.identity
        self._doubted = "" if identity is None else identity.serial_number
        self._stand(in_doubt=self._programmer.in_doubt)

    def _check_same(self, before: m.Identity | None, identity: m.Identity) -> None:
        """No other pump is taken for the one that was lost, or that was asked for a change."""
        serial_number = identity.serial_number
        doubted = self._programmer.in_doubt
        if doubted is not None and serial_number != self._doubted:
            raise nobody_to_ask(doubted, serial_number, self._doubted)
        if before is not None and serial_number != before.serial_number:
            self._stand(identity=None)  # a person has been told: the next time it is meant
            raise another_pump(serial_number, before.serial_number)

    def _fail(self, why: Problem) -> None:
        self._programmer.close()
        self._stand(connection="failed", why=why, role=None, may=())

    def _lose(self, gone: PumpGone) -> None:
        self._programmer.close()
        self._stand(connection="lost", why=problem_of(gone), role=None, may=())

    def _stand(self, **changes: object) -> None:
        standing = replace(self._standing, **changes)  # type: ignore[arg-type]
        if standing != self._standing:
            self._standing = standing
            self._changed()
