"""Pumps that are wrong about frames."""

from functools import reduce
from operator import xor

import pytest

from pump_protocol import pump_end, session
from pump_protocol.codes import MAX_PAYLOAD_BYTES, SEALED_BIT, START
from pump_protocol.crc import frame_check, header_check
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder, frame_bytes
from tests.conformance.mutants.changes import PartedDecoder, around, decode_with
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

Found = list[Frame | CorruptFrame]


@pump_mutant("answers-with-a-byte-of-noise", caught_by="frame/answers-are-whole-frames")
def answers_with_a_byte_of_noise(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A byte of noise goes before every plain answer."""
    patch.setattr(pump_end, "frame_bytes", lambda *args: b"\x00" + frame_bytes(*args))


# --- Reads ---------------------------------------------------------------------------------------


@pump_mutant("takes-a-read-for-a-frame", caught_by="frame/split-at-every-byte")
def takes_a_read_for_a_frame(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What a read does not complete is thrown away."""

    class Decoder(PartedDecoder):
        def feed(self, data: bytes) -> Found:
            found = super().feed(data)
            self._held = b""
            return found

    decode_with(pump, Decoder)


@pump_mutant("sealed-frames-in-one-read", caught_by="frame/split-in-a-link")
def sealed_frames_in_one_read(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What a read does not complete of a sealed frame is thrown away."""

    class Decoder(PartedDecoder):
        def feed(self, data: bytes) -> Found:
            found = super().feed(data)
            if len(self._held) > 2 and self._held[2] & SEALED_BIT:
                self._held = b""
            return found

    decode_with(pump, Decoder)


@pump_mutant("takes-one-frame-of-a-read", caught_by="frame/several-in-one-write")
def takes_one_frame_of_a_read(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is behind a whole frame in a read is thrown away."""

    class Decoder(PartedDecoder):
        def feed(self, data: bytes) -> Found:
            found = super().feed(data)
            if found:
                self._held = b""
            return found[:1]

    decode_with(pump, Decoder)


@pump_mutant("takes-256-bytes-of-a-read", caught_by="fuzz/splits")
def takes_256_bytes_of_a_read(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It reads 256 bytes at once; what else had arrived by then is lost."""

    class Decoder(PartedDecoder):
        def feed(self, data: bytes) -> Found:
            return super().feed(data[:256])

    decode_with(pump, Decoder)


@pump_mutant("forgets-half-a-marker", caught_by="frame/marker-split-behind-noise")
def forgets_half_a_marker(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The first byte of a marker at the end of a run of noise is thrown away with it."""

    class Decoder(PartedDecoder):
        def from_marker(self, held: bytes) -> bytes:
            kept = super().from_marker(held)
            return kept if len(kept) > 1 or len(held) == 1 else b""

    decode_with(pump, Decoder)


@pump_mutant("misses-a-marker-behind-its-first-byte", caught_by="frame/noise-before-a-frame")
def misses_a_marker_behind_its_first_byte(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A5 A5 5A: the byte behind a first A5 is never taken for another first one."""

    class Decoder(PartedDecoder):
        def from_marker(self, held: bytes) -> bytes:
            while held and not held.startswith(START):
                held = held[2 if held[:1] == START[:1] and len(held) > 1 else 1 :]
                if held == START[:1]:
                    break
            return held

    decode_with(pump, Decoder)


@pump_mutant("drops-a-read-with-noise-in-it", caught_by="frame/noise-between-frames")
def drops_a_read_with_noise_in_it(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Where no marker follows a frame, the rest of the read is thrown away."""

    class Decoder(PartedDecoder):
        def feed(self, data: bytes) -> Found:
            self._held += data
            found: Found = []
            while (frame := self._next()) is not None:
                found.append(frame)
                if not self._held.startswith(START):
                    self._held = b""
            return found

    decode_with(pump, Decoder)


@pump_mutant("begins-anew-at-every-marker", caught_by="frame/marker-inside-a-frame")
def begins_anew_at_every_marker(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A marker always begins a frame, also within one."""

    class Decoder(PartedDecoder):
        def from_marker(self, held: bytes) -> bytes:
            held = super().from_marker(held)
            last = held.rfind(START)
            return held[last:] if last > 0 else held

    decode_with(pump, Decoder)


# --- Lengths and checks --------------------------------------------------------------------------


@pump_mutant("big-endian-length", caught_by="frame/length-in-wrong-byte-order")
def big_endian_length(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The length is read with its most significant byte first."""

    class Decoder(PartedDecoder):
        def length(self, told: int) -> int:
            return int.from_bytes(told.to_bytes(2, "big"), "little")

    decode_with(pump, Decoder)


@pump_mutant("one-byte-too-long", caught_by="frame/longer-than-allowed")
def one_byte_too_long(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A payload of 612 bytes is taken."""

    class Decoder(PartedDecoder):
        def longest(self, version: int) -> int:
            return super().longest(version) + 1

    decode_with(pump, Decoder)


@pump_mutant("longest-refused", caught_by="frame/payload-lengths")
def longest_refused(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The longest payload is taken for too long."""

    class Decoder(PartedDecoder):
        def longest(self, version: int) -> int:
            return super().longest(version) - 1

    decode_with(pump, Decoder)


@pump_mutant("one-limit-for-plain-and-sealed", caught_by="frame/longer-than-allowed-and-whole")
def one_limit_for_plain_and_sealed(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Plain frames may be as long as sealed ones."""

    class Decoder(PartedDecoder):
        def longest(self, version: int) -> int:
            return super().longest(version | SEALED_BIT)

    decode_with(pump, Decoder)


@pump_mutant("no-room-for-an-envelope", caught_by="frame/longest-sealed-frame")
def no_room_for_an_envelope(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Sealed frames may be no longer than plain ones."""

    class Decoder(PartedDecoder):
        def longest(self, version: int) -> int:
            return MAX_PAYLOAD_BYTES

    decode_with(pump, Decoder)


@pump_mutant("header-check-not-looked-at", caught_by="frame/wrong-header-check")
def header_check_not_looked_at(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only the frame check is looked at."""

    class Decoder(PartedDecoder):
        def header_is_right(self, header: bytes, check: int) -> bool:
            return True

    decode_with(pump, Decoder)


@pump_mutant("length-before-its-check", caught_by="frame/corrupt-length")
def length_before_its_check(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """As many bytes as the header promises are waited for before either check is looked at."""

    class Decoder(PartedDecoder):
        def header_is_right(self, header: bytes, check: int) -> bool:
            return True

        def frame_is_right(self, body: bytes, check: bytes) -> bool:
            told = int.from_bytes(body[18:20], "little")
            return header_check(body[:18]) == told and super().frame_is_right(body, check)

    decode_with(pump, Decoder)


@pump_mutant("frame-check-not-looked-at", caught_by="frame/wrong-frame-check")
def frame_check_not_looked_at(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only the header check is looked at."""

    class Decoder(PartedDecoder):
        def frame_is_right(self, body: bytes, check: bytes) -> bool:
            return True

    decode_with(pump, Decoder)


@pump_mutant("half-a-frame-check", caught_by="frame/crc-single-bit-flip")
def half_a_frame_check(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only two of the four bytes of the frame check are compared."""

    class Decoder(PartedDecoder):
        def frame_is_right(self, body: bytes, check: bytes) -> bool:
            return frame_check(body).to_bytes(4, "little")[:2] == check[:2]

    decode_with(pump, Decoder)


@pump_mutant("folded-frame-check", caught_by="frame/crc-several-bit-flips")
def folded_frame_check(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Both frame checks are folded into four bits, and these compared."""

    def folded(check: int) -> int:
        return reduce(xor, (check >> shift & 0xF for shift in range(0, 32, 4)))

    class Decoder(PartedDecoder):
        def frame_is_right(self, body: bytes, check: bytes) -> bool:
            return folded(frame_check(body)) == folded(int.from_bytes(check, "little"))

    decode_with(pump, Decoder)


@pump_mutant("frame-check-over-the-header-only", caught_by="frame/crc-single-bit-flip-in-a-link")
def frame_check_over_the_header_only(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A frame whose payload was altered is taken, if its header is right."""

    class Decoder(PartedDecoder):
        def frame_is_right(self, body: bytes, check: bytes) -> bool:
            return len(body) > 20 or super().frame_is_right(body, check)

    decode_with(pump, Decoder)


@pump_mutant("frame-check-over-256-bytes", caught_by="frame/payload-lengths")
def frame_check_over_256_bytes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The frame check is computed with a counter of one byte."""

    class Decoder(PartedDecoder):
        def frame_is_right(self, body: bytes, check: bytes) -> bool:
            return super().frame_is_right(body[:256], check)

    decode_with(pump, Decoder)


@pump_mutant("three-bytes-of-the-frame-check", caught_by="fuzz/damaged-frames")
def three_bytes_of_the_frame_check(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The last byte of the frame check is not compared."""

    class Decoder(PartedDecoder):
        def frame_is_right(self, body: bytes, check: bytes) -> bool:
            return frame_check(body).to_bytes(4, "little")[:3] == check[:3]

    decode_with(pump, Decoder)


# --- Finding back --------------------------------------------------------------------------------


@pump_mutant("goes-on-behind-a-wrong-header", caught_by="frame/lost-header-bytes")
def goes_on_behind_a_wrong_header(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A header whose check is wrong is dropped whole."""

    class Decoder(PartedDecoder):
        after_wrong_header = 20

    decode_with(pump, Decoder)


@pump_mutant("goes-on-behind-a-wrong-frame", caught_by="frame/lost-payload")
def goes_on_behind_a_wrong_frame(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A frame whose check is wrong is dropped whole."""

    class Decoder(PartedDecoder):
        def after_wrong_frame(self, size: int) -> int:
            return size

    decode_with(pump, Decoder)


@pump_mutant("other-versions-are-noise", caught_by="frame/taken-whole-whatever-it-says")
def other_versions_are_noise(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A frame of another version is no frame, so that what is in it may be one."""

    class Decoder(PartedDecoder):
        def header_is_right(self, header: bytes, check: int) -> bool:
            return header[2] & ~SEALED_BIT == 1 and super().header_is_right(header, check)

    decode_with(pump, Decoder)


@pump_mutant("half-frame-never-given-up", caught_by="frame/half-frame-and-silence")
def half_frame_never_given_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The rest of a frame is waited for, however long it takes."""
    patch.setattr(session, "INTER_BYTE_TIMEOUT_MS", 10**9)


@pump_mutant("half-frame-given-up-late", caught_by="frame/rest-after-silence")
def half_frame_given_up_late(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Half a frame is given up after 150 ms."""
    patch.setattr(session, "INTER_BYTE_TIMEOUT_MS", 150)


@pump_mutant("half-frame-given-up-early", caught_by="frame/pauses-below-the-limit")
def half_frame_given_up_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Half a frame is given up after 40 ms."""
    patch.setattr(session, "INTER_BYTE_TIMEOUT_MS", 40)


@pump_mutant("gap-from-the-first-byte", caught_by="frame/pauses-below-the-limit")
def gap_from_the_first_byte(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A frame must be whole 100 ms after its first byte."""

    @around(patch, session.Session, "receive_data")
    def receiving(receive, self, data, now_ms):
        begun, first_ms = self._decoder.waiting, self._last_byte_ms
        receive(self, data, now_ms)
        if begun and self._decoder.waiting:
            self._last_byte_ms = first_ms


@pump_mutant("throws-all-away-after-a-gap", caught_by="frame/swallowed-frames-come-to-light")
def throws_all_away_after_a_gap(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """With half a frame, everything that came behind it is given up."""

    class Decoder(FrameDecoder):
        def expire(self) -> Found:
            self._held = b""
            return []

    decode_with(pump, Decoder)


@pump_mutant(
    "half-frame-outlives-its-connection",
    caught_by="frame/half-frame-forgotten-with-its-connection",
)
def half_frame_outlives_its_connection(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What one programmer began to send is glued to what the next one sends."""
    patch.setattr(session.Session, "connection_lost", lambda self, now_ms: None)


@pump_mutant("deaf-after-a-broken-frame", caught_by="frame/half-frame-and-reconnect")
def deaf_after_a_broken_frame(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whatever reads dies of a connection that ends within a frame: it hears nothing again."""

    class Deaf(FrameDecoder):
        def feed(self, data: bytes) -> Found:
            return []

    @around(patch, session.Session, "connection_lost")
    def lost(ordinary, self, now_ms):
        broken = self._decoder.waiting
        ordinary(self, now_ms)
        if broken:
            self._decoder = Deaf()


@pump_mutant("stops-reading-after-much-noise", caught_by="fuzz/random-bytes")
def stops_reading_after_much_noise(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The count of bytes of noise overflows, and no byte is taken any more."""

    class Decoder(FrameDecoder):
        noise = 0

        def feed(self, data: bytes) -> Found:
            found = super().feed(data) if self.noise < 16_384 else []
            self.noise += 0 if found else len(data)
            return found

    decode_with(pump, Decoder)
