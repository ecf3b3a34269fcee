"""What passes on a wire is told frame by frame, and no byte of it is lost or told twice."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.codes import CRC_BYTES, INTER_BYTE_TIMEOUT_MS, PrescriptionSlot
from pump_protocol.envelope import Envelope
from pump_protocol.frames import frame_bytes
from pump_protocol.handshake import LinkSecrets
from pump_protocol.payloads import encode
from pump_protocol.wiretap import FrameView, SecretsHeard, Wiretap

MS = 1_000_000


def request(message: m.Request[Any], sequence: int) -> bytes:
    """A plain request in a frame."""
    return frame_bytes(message.message_type, 1, sequence, encode(message))


OPEN = request(m.OpenLink(programmer_id=7), 1)
READ = request(m.ReadPrescription(PrescriptionSlot.CURRENT), 2)
PARTS = st.one_of(st.binary(max_size=60), st.sampled_from([OPEN, READ]))


@given(st.lists(PARTS, max_size=6), st.randoms())
def test_every_byte_on_the_wire_is_in_exactly_one_view(parts: list[bytes], random: Any) -> None:
    """In order, however the stream is split and whatever silences there are."""
    stream = b"".join(parts)
    tap, heard, link_ns, at = Wiretap(to_pump=True), [], 0, 0
    while at < len(stream):
        size = random.randrange(1, CRC_BYTES * 8)
        link_ns += random.choice([0, INTER_BYTE_TIMEOUT_MS * MS])
        heard += list(tap.hear(stream[at : at + size], link_ns))
        at += size
    heard += list(tap.give_up())
    assert b"".join(each.data for each in heard) == stream
    assert all((each.message is None) or each.data in {OPEN, READ} for each in heard)


def secrets(number: int) -> LinkSecrets:
    return LinkSecrets(bytes([number]) * 32, bytes([number + 1]) * 32)


def told(sealed_with: LinkSecrets, *known: LinkSecrets) -> FrameView:
    """A sealed request as somebody reads it who knows these keys."""
    key = sealed_with.to_pump
    message = m.OpenLink(programmer_id=7)
    data = Envelope(sending=key, receiving=key).seal(message.message_type, 1, 5, encode(message))
    heard = SecretsHeard()
    for each in known:
        heard.add(1, each)
    (view,) = Wiretap(to_pump=True, secrets=heard).hear(data, 0)
    return view


def test_sealed_frame_is_read_with_its_key_and_with_no_other() -> None:
    """Also with an older handshake under the same link id; its counter is told either way."""
    for known in ([secrets(1)], [secrets(1), secrets(3)]):
        view = told(secrets(1), *known)
        assert (view.sealed, view.counter, view.reason) == (True, 0, None)
        assert view.fields == {"programmer_id": 7}
    for unknown in ([], [secrets(3)]):
        view = told(secrets(1), *unknown)
        assert (view.message, view.counter, view.fields) == ("open_link", 0, None)
        assert view.reason
