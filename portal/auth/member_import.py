"""Inviting many people at once, from a table: all of them, or nobody."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select

from portal.access.decision import Forbidden, require
from portal.access.groups.members import add_to_group
from portal.access.names import group_key
from portal.access.permissions import Permission, Role
from portal.access.roles import list_live_roles
from portal.access.service import Way, require_to_hand_out
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth.import_groups import NamedGroup, find_groups, groups_problem, split_names
from portal.auth.invitations import Invited, invite_member, is_name
from portal.core.errors import Invalid, PortalError
from portal.tenancy.session import db
from portal.users.models import User
from portal.users.queries import canonical

MAX_LINES = 500
COLUMNS = ("name", "email", "role")
GROUPS = "groups"  # a column that may be missing


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line of the table as it was understood; `problem` says why it can't be taken.

    `is_refused`: it is fine, and what it would give is not for the actor to give, or not to be held
    together.
    """

    number: int  # as an editor counts: the line of the columns is 1
    name: str
    email: str
    role: str  # as it was written
    groups: tuple[str, ...] = ()  # as they were written
    role_key: str = ""
    group_ids: tuple[UUID, ...] = ()
    problem: str = ""
    is_refused: bool = False


def read_people(actor: Actor, text: str) -> Sequence[ImportLine]:
    """What a table would do, line by line; nothing is changed.

    Raises `Forbidden`, or `Invalid` where it is no table of people at all.
    """
    require(actor, Permission.MEMBER_INVITE)
    lines = list(_parsed(text))
    if not lines:
        raise Invalid("There is nobody in this table.")
    if len(lines) > MAX_LINES:
        raise Invalid(f"At most {MAX_LINES} people at once; this table has {len(lines)}.")
    return list(_checked(actor, lines))


def import_people(actor: Actor, text: str, *, host: str) -> Sequence[Invited]:
    """Invite everybody in a table. Raises `Invalid` with the first bad line, or with the first
    that is refused `Forbidden`, `ExclusiveRoles` and the like, which are recorded as what they are.

    Whatever it raises, the transaction it runs in must not be committed.
    """
    invited = []
    for line in read_people(actor, text):
        if line.problem and not line.is_refused:
            raise Invalid(f"Line {line.number}: {line.problem}")
        invited.append(_invite(actor, line, host))
    record(actor, Action.MEMBERS_IMPORTED, "members", count=len(invited))
    return invited


def _invite(actor: Actor, line: ImportLine, host: str) -> Invited:
    try:
        invited = invite_member(
            actor, line.email, line.name, line.role_key, host=host, way=Way.IMPORT
        )
        added = [
            add_to_group(actor, group_id, [invited.user.id], way=Way.IMPORT)
            for group_id in line.group_ids
        ]
    except RecordedRefusal as refusal:
        refusal.args = (f"Line {line.number}: {line.problem or refusal}",)
        raise
    except PortalError as error:
        raise Invalid(f"Line {line.number}: {error}") from error
    # What takes two people nobody comes by who sees the link.
    return invited if all(added) else replace(invited, link="", role_waits=True)


def _parsed(text: str) -> Iterator[ImportLine]:
    first = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(text.lstrip("\ufeff").splitlines(), delimiter=delimiter, strict=True)
    try:
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if sorted(set(columns) - {GROUPS}) != sorted(COLUMNS) or len(set(columns)) < len(columns):
            raise Invalid("The first line names the columns: name, email, role, and maybe groups.")
        reader.fieldnames = columns
        for row in reader:
            name, email, role = ((row.get(column) or "").strip() for column in COLUMNS)
            problem = "It has more columns than the first line." if None in row else ""
            groups = split_names(row.get(GROUPS) or "")
            yield ImportLine(reader.line_num, name, email, role, groups, problem=problem)
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} can't be read: {error}.") from None


def _checked(actor: Actor, lines: Sequence[ImportLine]) -> Iterator[ImportLine]:
    roles = {}
    for key, role in list_live_roles().items():
        roles[role.name.casefold()] = role
        roles[key] = role
    taken = _members_among(lines)
    known = find_groups(actor, (name for line in lines for name in line.groups))
    seen: dict[str, int] = {}
    for line in lines:
        found = roles.get(line.role.casefold())
        problem = line.problem or _problem(line, taken, seen) or _role_problem(found, line)
        seen.setdefault(canonical(line.email), line.number)
        checked = replace(line, role_key=found.key if found else "", problem=problem)
        if not problem and found is not None:
            checked = _with_groups(_refused(actor, found, checked), known)
        yield checked


def _members_among(lines: Sequence[ImportLine]) -> frozenset[str]:
    emails = {canonical(line.email) for line in lines}
    return frozenset(db.session.scalars(select(User.email).where(User.email.in_(emails))))


def _problem(line: ImportLine, taken: frozenset[str], seen: Mapping[str, int]) -> str:
    if not is_name(line.name):
        return "A name has 1 to 200 characters, all of them visible."
    try:
        validate_email(line.email, check_deliverability=False)
    except EmailNotValidError:
        return "This is not an e-mail."
    email = canonical(line.email)
    if len(email) > 254:
        return "This is not an e-mail."
    if email in taken:
        return "There is a member with this e-mail already."
    return f"The same e-mail as in line {seen[email]}." if email in seen else ""


def _role_problem(role: Role | None, line: ImportLine) -> str:
    if role is None:
        return f"There is no role “{line.role}”." if line.role else "The role is missing."
    return f"{role.name} can only be given on a folder." if role.is_scoped else ""


def _refused(actor: Actor, role: Role, line: ImportLine) -> ImportLine:
    """The line with the problem that `actor` may not give the role, if that is so."""
    try:
        require_to_hand_out(actor, role)
    except Forbidden:
        problem = f"You may not give the role {role.name}."
        return replace(line, problem=problem, is_refused=True)
    return line


def _with_groups(line: ImportLine, known: Mapping[str, NamedGroup]) -> ImportLine:
    """The line with the groups that it names, or with what is wrong with them."""
    problem, is_refused = groups_problem(line.groups, known, line.role_key)
    if line.problem or (problem and not is_refused):
        return replace(line, problem=line.problem or problem)
    ids = tuple(dict.fromkeys(known[group_key(name)].id for name in line.groups))
    return replace(line, group_ids=ids, problem=problem, is_refused=is_refused)
