"""The people of sample organisations: let in, and acting by the rights that they really have."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from portal.access.decision import Forbidden, Member
from portal.audit.actions import Action
from portal.audit.actor import OPERATOR, Actor, ActorKind
from portal.audit.service import record
from portal.auth.assurance import First, Second
from portal.auth.factors.models import TotpDevice
from portal.auth.invitations import accept_invitation, invite_again, invite_member
from portal.auth.live_sessions import SessionEnded, find_session
from portal.auth.samples import SamplePerson
from portal.auth.sessions import end_sessions_of, open_session
from portal.cli.context import writing
from portal.cli.sample_data import Person
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import find_user_by_email

BROWSER = "Sample data"


def add_person(
    tenant: TenantRecord, person: Person, sample: SamplePerson, folder_id: UUID | None
) -> None:
    """Invite, accept and enrol, as the person would."""
    with writing(tenant):
        user = find_user_by_email(sample.email)
        if user is None:
            invited = invite_member(
                OPERATOR, sample.email, person.name, person.role, folder_id, host=sample.host
            )
        elif user.state == UserState.INVITED:
            invited = invite_again(OPERATOR, user.id, host=sample.host)
        else:
            return
        user_id, token = invited.user.id, invited.link.rpartition("/")[2]
    with writing(tenant):
        accept_invitation(visitor(), token, sample.password, user_agent=BROWSER)
        db.session.add(TotpDevice(user_id=user_id, secret=sample.totp_secret))
        record(visitor(), Action.FACTOR_ENROLLED, f"user:{user_id}", factor="totp")
        db.session.flush()
        end_sessions_of(user_id)


@contextmanager
def acting_as(tenant: TenantRecord, sample: SamplePerson) -> Iterator[Member]:
    """Act as a sample person, with the rights that the person really has."""
    with acting_for(tenant, writes=True):
        user = user_of(sample)
        token = open_session(visitor(), user, First.PASSWORD, BROWSER, Second.TOTP)
        db.session.commit()
        found = find_session(token, visitor())
        if found is None:
            raise SessionEnded
        try:
            yield found.member
        except Forbidden as error:
            db.session.rollback()
            error.record(found.member)
            raise
        finally:
            end_sessions_of(user.id)
            db.session.commit()


def user_of(sample: SamplePerson) -> User:
    """Somebody who was added before. Raises `NotFound`."""
    user = find_user_by_email(sample.email)
    if user is None:
        raise NotFound
    return user


def visitor() -> Actor:
    """Somebody who has not signed in."""
    return Actor(kind=ActorKind.ANONYMOUS, address="127.0.0.1", request_id=new_id())
