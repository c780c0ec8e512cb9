"""Acts that take two people, and requests for access, as tests ask for and decide them."""

from typing import Any
from uuid import UUID

from tests.browsing import Visitor
from tests.installation import Organisation


def want_two(organisation: Organisation, *kinds: str, by: str = "admin") -> Any:
    """Choose the acts that take two people. Where any did before, that takes two itself."""
    answer = organisation.visit(by).post("/policy/choice", {"kinds": list(kinds)})
    assert answer.status_code == 302, answer.text
    return answer


def newest_act(organisation: Organisation) -> UUID:
    rows = organisation.portal.rows("pending_act")
    return max(row["id"] for row in rows if row["tenant_id"] == organisation.id)


def ask_reset(organisation: Organisation, who: str = "member", by: str = "admin") -> UUID:
    """Ask to have somebody's factors removed; gives the act that waits."""
    answer = organisation.visit(by).post(f"/members/{organisation[who].id}/reset-factors")
    assert answer.status_code == 302, answer.text
    return newest_act(organisation)


def give_role(organisation: Organisation, who: str, role: str, by: str = "admin") -> Any:
    form = {"role": role, "folder": "", "reason": "she takes over"}
    return organisation.visit(by).post(f"/members/{organisation[who].id}/roles", form)


def decide_act(organisation: Organisation, act: UUID, how: str, by: str = "second_admin") -> int:
    return organisation.visit(by).post(f"/approvals/{act}/{how}").status_code


def has_factor(organisation: Organisation, who: str = "member") -> bool:
    rows = organisation.portal.rows("totp_device")
    return any(row["user_id"] == organisation[who].id for row in rows)


def roles_of(organisation: Organisation, who: str) -> set[str]:
    rows = organisation.portal.rows("role_assignment")
    return {row["role"] for row in rows if row["user_id"] == organisation[who].id}


def act_row(organisation: Organisation, act: UUID) -> dict[str, Any]:
    return next(row for row in organisation.portal.rows("pending_act") if row["id"] == act)


def ask_access(visitor: Visitor, permission: str, target: str, reason: str = "to help") -> Any:
    form = {"permission": permission, "target": target, "reason": reason}
    return visitor.post("/requests/new", form)


def newest_request(organisation: Organisation) -> UUID:
    rows = organisation.portal.rows("access_request")
    return max(row["id"] for row in rows if row["tenant_id"] == organisation.id)


def request_row(organisation: Organisation, request: UUID) -> dict[str, Any]:
    return next(row for row in organisation.portal.rows("access_request") if row["id"] == request)
