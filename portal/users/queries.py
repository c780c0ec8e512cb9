"""Finding people."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true

from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.models import User


def find_user_by_email(email: str) -> User | None:
    """The person of that e-mail in the bound tenant, or None."""
    return db.session.scalars(select(User).where(User.email == canonical(email))).one_or_none()


def get_user(user_id: UUID) -> User:
    """A person of the bound tenant. Raises `NotFound`."""
    user = db.session.get(User, (bound_tenant_id(), user_id))
    if user is None:
        raise NotFound
    return user


def lock_user(user_id: UUID | None) -> None:
    """Let whatever else changes how this person signs in wait for the present transaction."""
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update())


def names_of(user_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The names of people, by id; who is unknown is left out."""
    if not user_ids:
        return {}
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(set(user_ids))))
    return dict(rows.all())


def ids_by_email(emails: Collection[str]) -> Mapping[str, UUID]:
    """The ids of people by their e-mails, in canonical form; who is unknown is left out."""
    wanted = {canonical(email) for email in emails}
    rows = db.session.execute(select(User.email, User.id).where(User.email.in_(wanted)))
    return dict(rows.all())


def matches(text: str) -> ColumnElement[bool]:
    """Of people: `text` is in their name or e-mail. Everybody, where there is no text."""
    pattern = canonical(text)
    if not pattern:
        return true()
    return or_(
        func.lower(User.name).contains(pattern, autoescape=True),
        User.email.contains(pattern, autoescape=True),
    )


def canonical(email: str) -> str:
    """An e-mail as it is kept and compared."""
    return email.strip().lower()


def list_names() -> Mapping[UUID, str]:
    """Everybody's name, in the order of the names."""
    rows = db.session.execute(select(User.id, User.name).order_by(func.lower(User.name), User.id))
    return dict(rows.all())
