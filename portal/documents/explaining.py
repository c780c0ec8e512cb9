"""Why somebody may do something, now or at a past time; who could do it then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.access.decision import ORGANISATION, Grant, Member, Target, decide, require
from portal.access.explanation import Explanation, explain, is_about, is_over
from portal.access.history.queries import replay_access, replay_place
from portal.access.history.world import Given, World
from portal.access.permissions import Permission
from portal.access.present import given_to
from portal.access.reach import Can, Reach
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Invalid, NotFound
from portal.documents.things import get_place_of, thing_named
from portal.users.models import UserState
from portal.users.queries import get_user, list_names


@dataclass(frozen=True, slots=True)
class Question:
    """May this person do that with this thing? No target: in the whole organisation.

    No permission: what do they hold altogether?
    """

    user_id: UUID
    permission: Permission | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """The answer: the decision with its chain, and all that the person was given."""

    question: Question
    state: UserState
    explanation: Explanation | None
    holdings: Sequence[tuple[Given, Grant]]

    def given_by(self, grants: Iterable[Grant]) -> Sequence[tuple[Given, Grant]]:
        """These grants, each with what is told of it."""
        wanted = set(grants)
        return [(given, grant) for given, grant in self.holdings if grant in wanted]


@dataclass(frozen=True, slots=True)
class Could:
    """Somebody who could do something with a thing, what, and through what."""

    user_id: UUID
    name: str
    can: Sequence[Can]
    through: Sequence[tuple[Given, Grant]]


def explain_access(actor: Actor, question: Question, at: datetime | None = None) -> Explained:
    """Why somebody may do something, or may not; at a past time as the audit log tells it.

    Raises `Forbidden`, `NotFound` or `Invalid`. Recorded, as it discloses.
    """
    require(actor, Permission.MEMBER_READ)
    get_user(question.user_id)
    if at is None:
        found = _explain_now(question, _present_place(actor, question.target))
    else:
        found = _explain_then(actor, question, at)
    record(
        actor,
        Action.ACCESS_EXPLAINED,
        f"user:{question.user_id}",
        permission=question.permission,
        about=question.target or ORGANISATION.name,
        as_of=at.isoformat() if at else None,
    )
    return found


def explain_own(member: Member, permission: Permission, target: str = "") -> Explained:
    """Why the person may do something, or may not. Raises `NotFound`."""
    return _explain_now(Question(member.user_id, permission, target), _place(target))


def who_could(actor: Actor, target: str, at: datetime) -> Sequence[Could]:
    """Everybody who could read, change or share a thing at a moment, by name.

    As the audit log tells it: in one statement for the rights and one a folder on the way up,
    however many people there are. Raises `Forbidden`, `NotFound` or `Invalid`. Recorded.
    """
    require(actor, Permission.AUDIT_READ)
    require(actor, Permission.MEMBER_READ)
    _check_time(at)
    world = replay_access(at)
    folders = _past_place(world, target, at)
    record(actor, Action.ACCESS_EXPLAINED, target, as_of=at.isoformat())
    names = list_names()
    found = [_could(world, user_id, folders, at, names) for user_id in world.people]
    return sorted((one for one in found if one), key=lambda one: (one.name.casefold(), one.user_id))


def _could(
    world: World,
    user_id: UUID,
    folders: Sequence[UUID],
    at: datetime,
    names: Mapping[UUID, str],
) -> Could | None:
    """What somebody could do there, by the words of the access page."""
    if world.people[user_id] != UserState.ACTIVE:
        return None
    holdings = list(world.holdings_of(user_id))
    here = (g for _, g in holdings if is_about(g, folders) and not is_over(g, at))
    reach = Reach(tuple(here))
    if not reach.can:
        return None
    ways = set(reach.ways)
    through = [(given, grant) for given, grant in holdings if grant in ways]
    return Could(user_id, names.get(user_id, ""), reach.can, through)


def _explain_now(question: Question, place: Target) -> Explained:
    state = UserState(get_user(question.user_id).state)
    return _answer(question, state, given_to(question.user_id), place.folders, clock.now())


def _explain_then(actor: Actor, question: Question, at: datetime) -> Explained:
    require(actor, Permission.AUDIT_READ)
    _check_time(at)
    world = replay_access(at)
    state = world.people.get(question.user_id)
    if state is None:
        raise NotFound
    folders = _past_place(world, question.target, at) if question.target else ()
    return _answer(question, state, list(world.holdings_of(question.user_id)), folders, at)


def _answer(
    question: Question,
    state: UserState,
    holdings: Sequence[tuple[Given, Grant]],
    folders: Sequence[UUID],
    at: datetime,
) -> Explained:
    grants = [grant for _, grant in holdings] if state == UserState.ACTIVE else []
    permission = question.permission
    explanation = explain(grants, permission, folders, at) if permission else None
    return Explained(question, state, explanation, holdings)


def _present_place(actor: Actor, target: str) -> Target:
    """Where a thing lies, for those who may look into access there. Raises `Forbidden`."""
    place = _place(target)
    require(actor, Permission.ACCESS_READ, place)
    is_document = target.startswith("document:")
    if is_document and not decide(actor, Permission.AUDIT_READ):
        require(actor, Permission.DOCUMENT_READ, place)
    return place


def _place(target: str) -> Target:
    """The target that decisions about a thing are made on. Raises `NotFound` or `Invalid`."""
    return get_place_of(target).target(target) if target else ORGANISATION


def _past_place(world: World, target: str, at: datetime) -> Sequence[UUID]:
    thing_named(target)
    replay_place(world, target, at)
    folders = world.place_of(target)
    if folders is None:
        raise NotFound
    return folders


def _check_time(at: datetime) -> None:
    if at > clock.now():
        raise Invalid("This time is still to come.")
