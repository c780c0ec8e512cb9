"""What a certificate of destruction tells of the closing and of the keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.auth.closing.models import Closing
from portal.auth.closing.queries import find_closing
from portal.core import clock
from portal.core.errors import Conflict
from portal.keys.moving import find_holders
from portal.keys.queries import list_signing_keys, list_tenant_keys
from portal.tenancy.binding import bound
from portal.users.queries import names_of


class NotAgreed(Conflict):
    """Two people have not agreed, or have taken it back."""

    message = "Nobody has agreed to close this organisation: see `portal tenant close`."


class TooEarly(Conflict):
    """It can still be taken back."""


def get_agreed_closing() -> Closing:
    """The bound tenant's closing, if its time is over. Raises `NotAgreed` or `TooEarly`."""
    closing = find_closing()
    if closing is None or closing.ends_at is None:
        raise NotAgreed
    if closing.ends_at > clock.now():
        raise TooEarly(f"It can be taken back until {closing.ends_at:%Y-%m-%d %H:%M} UTC.")
    return closing


def describe_end(counts: Mapping[str, int]) -> dict[str, Any]:
    """By whose word the bound tenant's keys go, and which.

    Those at providers that it has left go as well, as far as these give an answer. Raises as
    `get_agreed_closing`.
    """
    holding, silent = find_holders()
    closing, tenant, keys = get_agreed_closing(), bound().tenant, list_tenant_keys()
    roots = {(name, "") for name in holding} | {(key.provider, key.own_key) for key in keys}
    names = names_of({who for who in (closing.asked_by, closing.agreed_by) if who})
    return {
        "organisation": {"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name},
        "asked": {
            "by": _person(closing.asked_by, names),
            "at": _moment(closing.asked_at),
            "reason": closing.reason,
        },
        "agreed": {"by": _person(closing.agreed_by, names), "at": _moment(closing.agreed_at)},
        "could_be_taken_back_until": _moment(closing.ends_at),
        "destroyed_by": "operator",
        "signed_at": _moment(clock.now()),
        "root_keys": [
            {"provider": name, "own_key": own_key, "is_destroyed": not own_key}
            for name, own_key in sorted(roots)
        ],
        "providers_without_an_answer": sorted(silent),
        "encryption_keys": [
            {"id": str(key.id), "version": key.version, "made_at": _moment(key.created_at)}
            for key in keys
        ],
        "signing_keys": [
            {"id": str(key.id), "made_at": _moment(key.created_at)} for key in list_signing_keys()
        ],
        "counts": dict(counts),
    }


def _person(user_id: UUID | None, names: Mapping[UUID, str]) -> dict[str, str]:
    if user_id is None:
        return {"kind": "operator"}
    return {"kind": "user", "id": str(user_id), "name": names.get(user_id, "")}


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
