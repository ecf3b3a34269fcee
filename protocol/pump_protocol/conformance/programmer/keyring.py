"""What cases about keys have in common: handshakes that are refused, and pairing."""

from pump_protocol.codes import RefusalCode, UserRole
from pump_protocol.conformance.hooks import lay_on, shown_code
from pump_protocol.conformance.programmer.findings import asked, expect_said
from pump_protocol.conformance.programmer.scenes import Reply, T, in_plain, refusal
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import Authenticate, Paired


def handshakes(standin: StandIn) -> list[Authenticate]:
    """The first messages of handshakes that were sent, repeats left out."""
    found = {each.data: each.request for each in asked(standin, T.AUTHENTICATE)}
    return [each for each in found.values() if isinstance(each, Authenticate)]


def refusing(
    code: RefusalCode = RefusalCode.AUTHENTICATION_FAILED, value: int | None = None
) -> Reply:
    """Somebody refuses a handshake."""

    def refuse(heard: Heard) -> Play[None]:
        yield from send(in_plain(heard, refusal(heard, code, value=value)))

    return refuse


def pairing_code() -> Play[str]:
    """The head lies on the good pump, which shows a code for a clinician."""
    yield from lay_on()
    return (yield from shown_code(UserRole.CLINICIAN))


def paired(standin: StandIn) -> Play[tuple[Ended, Paired]]:
    """The programmer is paired with the good pump; how that ended, and the key that it was told."""
    code = yield from pairing_code()
    yield from standin.start("pair", keyed=False, code=code)
    yield from standin.serve()
    ended = yield from standin.end()
    keys = [each for _, each in standin.carried_out if isinstance(each, Paired)]
    if not keys:
        raise Unmet("a good pump has not told it a key: its handshake with the code failed")
    expect_said(standin, ended, (Outcome.DONE,), "the code was right, and the key was told")
    return ended, keys[-1]
