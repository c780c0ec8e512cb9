"""Who acts, as far as the audit log needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What kind of caller acts."""

    USER = "user"
    ANONYMOUS = "anonymous"
    LINK = "link"  # whoever holds the address of a sharing link
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The one who acts, from where, and within which request."""

    kind: ActorKind
    user_id: UUID | None = None
    link_id: UUID | None = None
    address: str | None = None
    request_id: UUID | None = None
    device_ids: Mapping[UUID, str] = field(default_factory=dict, compare=False)  # see web.devices

    @property
    def recorded_id(self) -> UUID | None:
        """By what the log names it: a person's id, or a sharing link's."""
        return self.link_id or self.user_id


OPERATOR = Actor(kind=ActorKind.OPERATOR)
SYSTEM = Actor(kind=ActorKind.SYSTEM)
