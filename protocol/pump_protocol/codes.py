"""Every number on the wire, and every limit of the wire with its reason.

Limits of a *pump* (flow, dose, capacity) are not here: a pump declares its own when it is
asked to identify itself.
"""

from enum import STRICT, IntEnum, IntFlag
from typing import Final

# --- Frames --------------------------------------------------------------------------------------

START: Final = b"\xa5\x5a"
"""Start marker. Its two bytes differ, so a marker can never begin inside another one."""

PROTOCOL_VERSION: Final = 1

SEALED_BIT: Final = 0x80
"""In the version byte of a frame: what follows the header is a counter, a ciphertext and a tag."""

HEADER_BYTES: Final = 20
CRC_BYTES: Final = 4

COUNTER_BYTES: Final = 8
TAG_BYTES: Final = 16
ENVELOPE_BYTES: Final = COUNTER_BYTES + TAG_BYTES
"""What sealing adds to a frame; room for it is kept in plain frames, too."""

MAX_FRAME_BYTES: Final = 659
"""655 bytes and a CRC. CRC-32C detects every pattern of up to five flipped bits (Hamming
distance 6) in messages of up to 5,243 bits, which is 655 whole bytes: P. Koopman, "32-Bit Cyclic
Redundancy Codes for Internet Applications", DSN 2002, table 1, polynomial 0x8F6E37A0."""

MAX_PAYLOAD_BYTES: Final = MAX_FRAME_BYTES - HEADER_BYTES - ENVELOPE_BYTES - CRC_BYTES

# --- Link time -----------------------------------------------------------------------------------
# Real time of the link, never the pump's therapy time: at 3600 times real speed an idle limit in
# therapy time would pass in 33 ms.

INTER_BYTE_TIMEOUT_MS: Final = 100
"""A frame whose next byte is later than this is dropped. A full frame at 9,600 baud takes 690 ms,
1 ms a byte; USB serial adapters hold bytes back for up to 16 ms."""

IDLE_LIMIT_MS: Final = 120_000
"""A link with no request for this long is closed by the pump."""

ABSOLUTE_LIMIT_MS: Final = 30 * 60_000
"""A link is closed this long after it was opened, however busy it is."""

STAGING_LIMIT_MS: Final = 120_000
"""A staged prescription that is not committed within this time is rolled back."""

RETIRED_LINKS: Final = 64
"""How many link ids a pump remembers after they ended, so that late frames cannot reopen them."""

# --- Keys, pairing, emergency access ------------------------------------------------------------

HANDSHAKE_BYTES: Final = 48
"""Each message of the handshake: an ephemeral public key of 32 bytes and a tag of 16."""

SECRET_BYTES: Final = 32
"""The secret of a key, the pre-shared key of the handshake."""

PAIRING_KEY_ID: Final = 0
"""The key id under which a one-time pairing code is used."""

PAIRING_CODE_BITS: Final = 130
"""26 characters of five bits; at least 128, so that no search of what was overheard can find it."""

HANDSHAKE_LIMIT_MS: Final = 10_000
"""An authenticated handshake that no sealed ``open_link`` follows within this time is forgotten."""

FREE_FAILURES: Final = 5
"""So many failed authentications in a row cost nothing; each further one doubles the lock."""

FIRST_LOCK_MS: Final = 1_000
LONGEST_LOCK_MS: Final = 60_000
"""How long a pump refuses handshakes after too many failures. Open links, therapy and emergency
access go on; nobody can be locked out for longer than this by somebody else's failures."""

PAIRING_LIMIT_MS: Final = 120_000
"""A pairing code that was not used within this time is void."""

PAIRING_ATTEMPTS: Final = 3
"""A pairing code is void after so many failed handshakes with it."""

INTENT_LIMIT_MS: Final = 30_000
"""The physical intent behind an emergency message (a press of the button) counts so long."""

# --- Values --------------------------------------------------------------------------------------

NEVER: Final = 2**64 - 1
"""In a u64 time field that may be absent: no such time."""

ABSENT: Final = -(2**63)
"""In an i64 field that may be absent: not given."""

MAX_DRUG_NAME_BYTES: Final = 32
MAX_DRUGS: Final = 3
MAX_STEPS_PER_DAY: Final = 13
"""Published for pumps of this kind (domain.md 2, P9)."""
MAX_STEPS: Final = 52
"""Steps of all day patterns together: four full days. With three drugs of the longest names and
everything else that a prescription may hold, as many as a staged prescription's echo has room for.
"""
MAX_NOTE_BYTES: Final = 128
MAX_LOG_ENTRIES: Final = 13
MAX_ACCESS_ENTRIES: Final = 14
MAX_REASONS: Final = 23
"""As many list elements as fit in one payload."""

DIGEST_BYTES: Final = 32


class MessageType(IntEnum):
    """Requests are 0x01 to 0x7E; the response to request *t* is *t* + 0x80; 0xFF refuses any."""

    OPEN_LINK = 0x01
    CLOSE_LINK = 0x02
    IDENTIFY = 0x03
    INTERROGATE = 0x04
    READ_PRESCRIPTION = 0x05
    STAGE_PRESCRIPTION = 0x06
    COMMIT_PRESCRIPTION = 0x07
    ROLL_BACK_PRESCRIPTION = 0x08
    ORDER_BOLUS = 0x09
    ABORT_BOLUS = 0x0A
    UPDATE_RESERVOIR = 0x0B
    ACKNOWLEDGE_ALARM = 0x0C
    SILENCE_ALARM = 0x0D
    TEST_ALARM = 0x0E
    READ_LOG = 0x0F
    READ_ACCESS_LOG = 0x10
    SET_CLOCK = 0x11
    SELF_TEST = 0x12
    REQUEST_PATIENT_BOLUS = 0x13
    SET_ALARM_INTERVAL = 0x14
    READ_NOTE = 0x15
    WRITE_NOTE = 0x16
    AUTHENTICATE = 0x17
    PAIR = 0x18
    EMERGENCY_STATUS = 0x19
    EMERGENCY_MINIMUM_RATE = 0x1A
    EMERGENCY_STOP = 0x1B

    LINK_OPENED = 0x81
    LINK_CLOSED = 0x82
    IDENTITY = 0x83
    STATUS_REPORT = 0x84
    PRESCRIPTION_REPORT = 0x85
    PRESCRIPTION_STAGED = 0x86
    PRESCRIPTION_COMMITTED = 0x87
    PRESCRIPTION_ROLLED_BACK = 0x88
    BOLUS_ORDERED = 0x89
    BOLUS_ABORTED = 0x8A
    RESERVOIR_UPDATED = 0x8B
    ALARM_ACKNOWLEDGED = 0x8C
    ALARM_SILENCED = 0x8D
    ALARM_TESTED = 0x8E
    LOG_PAGE = 0x8F
    ACCESS_LOG_PAGE = 0x90
    CLOCK_SET = 0x91
    SELF_TEST_REPORT = 0x92
    PATIENT_BOLUS_STARTED = 0x93
    ALARM_INTERVAL_SET = 0x94
    NOTE_REPORT = 0x95
    NOTE_WRITTEN = 0x96
    AUTHENTICATED = 0x97
    PAIRED = 0x98
    EMERGENCY_STATUS_REPORT = 0x99
    EMERGENCY_MINIMUM_RATE_SET = 0x9A
    EMERGENCY_STOPPED = 0x9B

    REFUSAL = 0xFF


RESPONSE_BIT: Final = 0x80


class Nature(IntEnum):
    """What answers. There is no code for a real implant, and there never will be."""

    SIMULATOR = 1


class SecurityProfile(IntEnum):
    """How frames are protected."""

    LEGACY_INSECURE = 1
    """Plaintext and a CRC: whoever reaches the port may program the pump. Noise protection only."""
    AUTHENTICATED = 2
    """Only sealed frames of a link that began with a handshake are believed."""


class UserRole(IntEnum):
    """Whose key it is, which decides what may be sent with it (:mod:`pump_protocol.access`)."""

    OBSERVER = 1
    """Reads."""
    PATIENT = 2
    """Reads the status, and asks for the bolus that is prescribed."""
    CLINICIAN = 3
    """Reads, and changes therapy."""
    SERVICE = 4
    """Reads, and tests the pump; changes no therapy."""


class Capability(IntFlag):
    """What this pump can do, beyond what every pump of this protocol version can."""

    SIMPLE_CONTINUOUS = 1 << 0
    MINIMUM_RATE = 1 << 1
    SINGLE_BOLUS = 1 << 2
    FLEX = 1 << 3
    PERIODIC_BOLUS = 1 << 4
    PATIENT_BOLUS = 1 << 5
    PRIMING_BOLUS = 1 << 6
    BRIDGE_BOLUS = 1 << 7
    MIXTURES = 1 << 8


class Mode(IntEnum):
    """Infusion mode of a prescription."""

    STOPPED = 0
    MINIMUM_RATE = 1
    SIMPLE_CONTINUOUS = 2
    FLEX = 3
    PERIODIC_BOLUS = 4


class Weekday(IntFlag, boundary=STRICT):
    """Days of the week, as the pump's local clock has them. An eighth is an unknown code."""

    MONDAY = 1 << 0
    TUESDAY = 1 << 1
    WEDNESDAY = 1 << 2
    THURSDAY = 1 << 3
    FRIDAY = 1 << 4
    SATURDAY = 1 << 5
    SUNDAY = 1 << 6


class BridgeDecision(IntEnum):
    """What was decided about the old drug in the tubing and the catheter (REQ-11)."""

    NOT_NEEDED = 0
    """Neither drug nor concentration changes."""
    BRIDGE = 1
    """The old drug is infused at a rate that suits it until it is used up."""
    DECLINED = 2
    """The new rate begins at once, by explicit decision."""


class BolusKind(IntEnum):
    """What a bolus is for; a smaller number goes before a greater one."""

    PRIMING = 1
    """Fills tubing and catheter."""
    BRIDGE = 2
    """Clears the old drug from tubing and catheter, in place of the basal rate."""
    SINGLE = 3
    """Ordered by a clinician, once."""
    PATIENT = 4
    """Asked for by the patient, within what is prescribed."""
    PERIODIC = 5
    """Part of the prescription."""


class MassUnit(IntEnum):
    """The mass unit a clinician sees for a drug. On the wire every mass is in nanograms."""

    MICROGRAM = 1
    MILLIGRAM = 2


class PrescriptionSlot(IntEnum):
    """Which prescription: the one in force, or the one staged."""

    CURRENT = 1
    PENDING = 2


class ServiceState(IntEnum):
    """Where the pump is in its service life."""

    IN_SERVICE = 0
    ERI = 1
    EOS = 2


class Alarm(IntEnum):
    """Alarms; the numbers are those of the alarm table in the specification."""

    LOW_RESERVOIR = 1
    EMPTY_RESERVOIR = 2
    ERI = 3
    EOS = 4
    MOTOR_STALL = 5
    STOPPED_TOO_LONG = 7
    CRITICAL_MEMORY_ERROR = 8
    MEMORY_ERROR = 9
    SAFE_STATE = 10
    UPDATE_INCOMPLETE = 11
    REPLACEMENT_PLANNED = 15
    EMERGENCY_ACTION = 18


class AlarmClass(IntEnum):
    """Which tone an alarm sounds."""

    NON_CRITICAL = 1
    CRITICAL = 2


class AlarmFlag(IntFlag):
    """The state of one listed alarm. LATCHED: it stays listed until somebody acknowledges it."""

    ACTIVE = 1 << 0
    LATCHED = 1 << 1
    ACKNOWLEDGED = 1 << 2
    SILENCED = 1 << 3


class Check(IntEnum):
    """What a self-test looks at."""

    PRESCRIPTION = 1
    LEDGER = 2
    LOG = 3
    BATTERY = 4
    MEMORY = 5
    MOTOR = 6


class BolusOutcome(IntEnum):
    """How the last bolus stands."""

    RUNNING = 1
    COMPLETED = 2
    ABORTED = 3


class RefusalCode(IntEnum):
    """Why a request was refused. Below 16: the frame or the link. From 16: what was asked."""

    MALFORMED = 1
    UNKNOWN_MESSAGE = 2
    UNKNOWN_VALUE = 3
    UNSUPPORTED_VERSION = 4
    LINK_NOT_OPEN = 5
    LINK_ID_USED = 6
    SEQUENCE_REUSED = 7
    SEQUENCE_STALE = 8
    AUTHENTICATION_REQUIRED = 9
    AUTHENTICATION_FAILED = 10
    AUTHENTICATION_LOCKED = 11
    NOT_AUTHENTIC = 12
    NOT_PERMITTED = 13
    NOT_NEAR = 14
    NO_INTENT = 15

    OUT_OF_RANGE = 16
    MISMATCH = 17
    NOTHING_STAGED = 18
    STALE_DIGEST = 19
    STALE_ORDER = 20
    ORDER_REUSED = 21
    TOO_MANY_PROGRAMMERS = 22
    BOLUS_ACTIVE = 23
    NO_BOLUS = 24
    WRONG_MODE = 25
    RESERVOIR_EMPTY = 26
    END_OF_SERVICE = 27
    ALARM_NOT_LISTED = 28
    ALARM_NOT_ACTIVE = 29
    NOT_CONFIRMED = 30
    BRIDGE_UNDECIDED = 31
    NOT_PRESCRIBED = 32
    LOCKED_OUT = 33
    ALLOTMENT_USED = 34
    INFUSION_HELD = 35
    NOT_COVERED = 36
    DUPLICATE = 37


class Field(IntEnum):
    """The offending field of a refused request; NONE where no single field is at fault."""

    NONE = 0
    PAYLOAD = 1
    MESSAGE_TYPE = 2
    VERSION = 3
    LINK_ID = 4
    SEQUENCE = 5
    KEY_ID = 6
    ROLE = 7
    COUNTER = 8

    MODE = 16
    DRUG_NAME = 17
    MASS_UNIT = 18
    CONCENTRATION = 19
    DAILY_DOSE = 20
    RATE = 21
    LOW_RESERVOIR_THRESHOLD = 22
    DIGEST = 23
    SLOT = 24
    ORDER_NUMBER = 25
    BOLUS_DOSE = 26
    BOLUS_VOLUME = 27
    BOLUS_DURATION = 28
    BOLUS_RATE = 29
    RESERVOIR_VOLUME = 30
    ALARM = 31
    SILENCE_DURATION = 32
    ALARM_CLASS = 33
    FIRST_SEQUENCE = 34
    ENTRY_LIMIT = 35
    CLOCK = 36
    PROGRAMMER_ID = 37
    DRUGS = 38
    HIGHEST_DAILY_DOSE = 39
    SCHEDULE = 40
    WEEKDAYS = 41
    STEP_START = 42
    STEP_RATE = 43
    PERIODIC_DOSE = 44
    PERIODIC_VOLUME = 45
    PERIODIC_DURATION = 46
    PERIODIC_INTERVAL = 47
    PERIODIC_FIRST = 48
    PERIODIC_BASAL_RATE = 49
    PERIODIC_RATE = 50
    PATIENT_DOSE = 51
    PATIENT_VOLUME = 52
    PATIENT_DURATION = 53
    PATIENT_LOCKOUT = 54
    PATIENT_ALLOTMENT = 55
    PATIENT_RATE = 56
    BRIDGE = 57
    BRIDGE_VOLUME = 58
    BRIDGE_RATE = 59
    BRIDGE_DURATION = 60
    BOLUS_KIND = 61
    PRIMING_VOLUME = 62
    ALARM_INTERVAL = 63
    NOTE = 64


class LogEvent(IntEnum):
    """What a therapy-log record tells; the specification says what its two parameters mean."""

    IMPLANTED = 1
    STAGED = 2
    COMMITTED = 3
    ROLLED_BACK = 4
    STAGING_EXPIRED = 5
    MODE_CHANGED = 6
    BRIDGE_DECLINED = 7
    SOFT_LIMIT_CONFIRMED = 8
    BOLUS_STARTED = 16
    BOLUS_COMPLETED = 17
    BOLUS_ABORTED = 18
    PRIMING_STARTED = 19
    BRIDGE_STARTED = 20
    PATIENT_BOLUS_STARTED = 21
    PATIENT_BOLUS_REFUSED = 22
    PERIODIC_BOLUS_SHIFTED = 23
    PERIODIC_BOLUS_STARTED = 24
    RESERVOIR_UPDATED = 32
    INFUSION_STOPPED = 33
    INFUSION_RESUMED = 34
    MOTOR_RECOVERED = 35
    ALARM_RAISED = 48
    ALARM_CLEARED = 49
    ALARM_ACKNOWLEDGED = 50
    ALARM_SILENCED = 51
    ALARM_TESTED = 52
    ALARM_INTERVAL_SET = 53
    CLOCK_SET = 64
    SELF_TESTED = 65
    RESET = 66
    MEMORY_ERROR_FOUND = 67
    NOTE_WRITTEN = 68
    EMERGENCY_MINIMUM_RATE = 80
    EMERGENCY_STOPPED = 81


class AccessEvent(IntEnum):
    """What an access-log record tells."""

    INTERROGATED = 1
    REFUSED = 2
    SEQUENCE_MISUSED = 3
    AUTHENTICATED = 4
    AUTHENTICATION_FAILED = 5
    NOT_AUTHENTIC = 6
    PAIRED = 7
    EMERGENCY_ASKED = 8
