"""The things that addresses of the access list are about, in an organisation that really has them."""

from portal.auth.tokens import hash_token
from tests.browsing import Visitor
from tests.installation import Installation, Organisation
from tests.web.access_list import ACCESS, HALF, MEMBERS, STRANGER


def address(organisation: Organisation, endpoint: str, values: dict[str, object]) -> str:
    return organisation.portal.app.url_map.bind(organisation.host).build(endpoint, values)


def own_address(organisation: Organisation, endpoint: str, who: str = "member") -> str:
    return address(organisation, endpoint, things_of(organisation, endpoint, who))


def things_of(organisation: Organisation, endpoint: str, who: str = "member") -> dict[str, object]:
    """The values of an address."""
    return {
        parameter: _thing(organisation, parameter.removesuffix("_id"), name, who)
        for parameter, name in ACCESS[endpoint].about.items()
    }


def _thing(organisation: Organisation, kind: str, name: str, who: str) -> object:
    if kind == "folder":
        return organisation.folders[name]
    if kind == "document":
        return organisation.documents[name]
    if kind == "user":
        return organisation[name].id
    if kind == "token":
        return organisation["invited"].invitation.rpartition("/")[2]
    rows = organisation.portal.rows
    if kind == "session":
        own = hash_token(organisation[who if who in MEMBERS else "member"].token)
        return next(row["id"] for row in rows("user_session") if bytes(row["token_hash"]) == own)
    if kind == "assignment":
        holder = organisation[name].id
        return next(row["id"] for row in rows("role_assignment") if row["user_id"] == holder)
    if kind == "entry":
        return min(r["id"] for r in rows("audit_entry") if r["tenant_id"] == organisation.id)
    return name


def browser_of(organisation: Organisation, who: str) -> Visitor:
    if who == STRANGER:
        return organisation.visit()
    return organisation.visit_half() if who == HALF else organisation.visit(who)


def without_log(portal: Installation) -> dict[str, list[str]]:
    """All rows but the audit log's."""
    return {name: rows for name, rows in portal.dump().items() if name != "audit_entry"}
