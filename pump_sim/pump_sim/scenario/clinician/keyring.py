"""The keys of all pumps of a scenario, which its programmer holds.

How a pump uses its keys is :mod:`pump_protocol.guard`'s business.
"""

from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key, RandomBytes


class KeyRing:
    """Keys by the serial number of their pump, and their role.

    :param random_bytes: where the keys come from, and the pumps' halves of handshakes.
    """

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes
        self._keys: dict[tuple[str, UserRole], Key] = {}
        self._of_pumps: dict[str, tuple[Key, ...]] = {}

    def guard_for(self, serial_number: str) -> PumpGuard:
        """Guard a pump with its keys, which are on the ring from now on; with new ones if it was
        never guarded before."""
        if serial_number not in self._of_pumps:
            self._of_pumps[serial_number] = tuple(new_keys(self._random_bytes))
        keys = self._of_pumps[serial_number]
        for key in keys:
            self.add(serial_number, key)
        return PumpGuard(keys, random_bytes=self._random_bytes)

    def add(self, serial_number: str, key: Key) -> None:
        """Hold a key in place of the one that was held for that pump and role."""
        self._keys[serial_number, key.role] = key

    def key(self, serial_number: str, role: UserRole) -> Key | None:
        """The key for a pump and a role; None if none is held."""
        return self._keys.get((serial_number, role))
