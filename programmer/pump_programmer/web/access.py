"""How a programmer at a page reaches its pump: where, as whom, and how patiently."""

import os
from dataclasses import dataclass, field, replace

from pump_programmer.key_choice import ENVIRONMENT
from pump_programmer.patience import DEFAULT_PATIENCE, Patience
from pump_programmer.programmer import Programmer
from pump_protocol.codes import UserRole
from pump_protocol.keys import Key


@dataclass(frozen=True, slots=True)
class Access:
    """What was said on the command line; parameters are those of a programmer."""

    address: str
    key: Key | None = field(default=None, repr=False)
    role: UserRole | None = None
    insecure: bool = False
    programmer_id: int | None = None
    patience: Patience = DEFAULT_PATIENCE

    @property
    def key_was_given(self) -> bool:
        """Whether no stored key is used: then nobody can mend a wrong one on a page."""
        return self.key is not None or bool(os.environ.get(ENVIRONMENT))

    def as_role(self, role: UserRole) -> "Access":
        """The same with another of the stored keys."""
        return replace(self, role=role)

    def programmer(self) -> Programmer:
        """A programmer that is not open yet."""
        return Programmer(
            self.address,
            key=self.key,
            role=self.role,
            insecure=self.insecure,
            programmer_id=self.programmer_id,
            patience=self.patience,
        )
