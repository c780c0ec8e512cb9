"""What the addresses of the access list are about, in an organisation that really has it."""

from uuid import UUID

from portal.auth.tokens import hash_token
from tests.browsing import Visitor
from tests.installation import LOG, Installation, Organisation
from tests.web.access_list import ACCESS, HALF, MEMBERS, STRANGER


def address(organisation: Organisation, endpoint: str, values: dict[str, object]) -> str:
    return organisation.portal.app.url_map.bind(organisation.host).build(endpoint, values)


def own_address(organisation: Organisation, endpoint: str, who: str = "member") -> str:
    asked = QUESTIONS.get(endpoint, "")
    if "{plan}" in asked:
        asked = asked.replace("{plan}", str(_version_of(organisation, "plan")))
    asked = asked.format(shared=organisation.folders["shared"], slug=organisation.record.slug)
    return address(organisation, endpoint, things_of(organisation, endpoint, who)) + asked


# What pages are asked that have nothing to tell by themselves.
QUESTIONS = {
    "documents.compare": "?version={plan}&old={plan}",
    "explain.export": "?target=folder:{shared}",
    "explain.index": "?email=member@{slug}.example&permission=document:read",
    "explain.own": "?permission=document:read&target=folder:{shared}",
    "explain.reach": "?target=folder:{shared}",
}


def things_of(organisation: Organisation, endpoint: str, who: str = "member") -> dict[str, object]:
    """The values of an address."""
    return {
        parameter: _thing(organisation, parameter.removesuffix("_id"), name, who)
        for parameter, name in ACCESS[endpoint].about.items()
    }


def _thing(organisation: Organisation, kind: str, name: str, who: str) -> object:
    find = {
        "folder": lambda: organisation.folders[name],
        "document": lambda: organisation.documents[name],
        "version": lambda: _version_of(organisation, name),
        **dict.fromkeys(("reading", "search", "upload"), lambda: UUID(int=0)),  # what is not there
        "user": lambda: organisation[name].id,
        "token": lambda: _link(organisation, name).rpartition("/")[2],
        "session": lambda: _session_of(organisation, _owner(name, who)),
        "factor": lambda: _row_of(organisation, "totp_device", _owner("own", who)),
        "role_key": lambda: organisation.roles[name],
        "pair": lambda: organisation.pairs[name],
        "provider": lambda: organisation.providers[name],
        "identity": lambda: _row_of(organisation, "external_identity", _owner("own", who)),
        "group": lambda: organisation.groups[name],
        "assignment": lambda: _assignment(organisation, name),
        "entry": lambda: _first_entry(organisation),
        "export": lambda: _first_row(organisation, "log_export"),
        "destination": lambda: _first_row(organisation, "log_destination"),
        "act": lambda: _act_about(organisation, name),
        "rule": lambda: organisation.kept["rule" if name == "own" else "alert rule"],
        **{
            kind: lambda kind=kind: organisation.kept[kind] for kind in ("alert", "hold", "erasure")
        },
        "request": lambda: _row_of(organisation, "access_request", _owner(name, who)),
        "review": lambda: _review(organisation, name),
        "link": lambda: organisation.links[name],
        "line": lambda: _line_of(organisation, _review(organisation, name)),
    }.get(kind, lambda: name)
    return find()


def _version_of(organisation: Organisation, name: str) -> UUID:
    """The newest version of a document."""
    rows = organisation.portal.rows("document_version")
    mine = [row for row in rows if row["document_id"] == organisation.documents[name]]
    return max(mine, key=lambda row: row["number"])["id"]


def _link(organisation: Organisation, name: str) -> str:
    is_invitation = name == "of the invited"
    return organisation["invited"].invitation if is_invitation else organisation.reset_link


def _owner(name: str, who: str) -> str:
    if name != "own":
        return name
    return who if who in MEMBERS else "member"


def _session_of(organisation: Organisation, who: str) -> UUID:
    own = hash_token(organisation[who].token)
    rows = organisation.portal.rows("user_session")
    return next(row["id"] for row in rows if bytes(row["token_hash"]) == own)


def _row_of(organisation: Organisation, table: str, who: str) -> UUID:
    """A row of a table that is about somebody."""
    rows = organisation.portal.rows(table)
    return next(row["id"] for row in rows if row["user_id"] == organisation[who].id)


def _assignment(organisation: Organisation, name: str) -> UUID:
    if name != "of the crew":
        return _row_of(organisation, "role_assignment", name)
    rows, crew = organisation.portal.rows("role_assignment"), organisation.groups["crew"]
    return next(row["id"] for row in rows if row["group_id"] == crew)


def _first_row(organisation: Organisation, table: str) -> UUID:
    """The organisation's own row of a table, which is there before tests add others."""
    rows = organisation.portal.rows(table)
    return min(row["id"] for row in rows if row["tenant_id"] == organisation.id)


def _act_about(organisation: Organisation, who: str) -> UUID:
    rows = organisation.portal.rows("pending_act")
    return next(row["id"] for row in rows if row["target"] == f"user:{organisation[who].id}")


def _review(organisation: Organisation, state: str) -> UUID:
    rows = organisation.portal.rows("access_review")
    mine = [row for row in rows if row["tenant_id"] == organisation.id]
    return min(row["id"] for row in mine if row["state"] == state)


def _line_of(organisation: Organisation, review_id: UUID) -> UUID:
    rows = organisation.portal.rows("review_line")
    return min(row["id"] for row in rows if row["review_id"] == review_id)


def _first_entry(organisation: Organisation) -> UUID:
    rows = organisation.portal.rows("audit_entry")
    return min(row["id"] for row in rows if row["tenant_id"] == organisation.id)


def browser_of(organisation: Organisation, who: str) -> Visitor:
    if who == STRANGER:
        return organisation.visit()
    return organisation.visit_half() if who == HALF else organisation.visit(who)


def without_log(portal: Installation) -> dict[str, list[str]]:
    """All rows but the audit log's."""
    return portal.dump(but=LOG)
