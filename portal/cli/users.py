"""`portal user`: people, for what no page can do yet."""

import click

from portal.access.approvals.kinds import Kind
from portal.access.approvals.queries import needs_two
from portal.access.roles import find_live_role_named, list_live_roles
from portal.audit.actor import OPERATOR
from portal.auth.factor_resets import reset_factors
from portal.auth.invitations import invite_member
from portal.auth.password_review import review_passwords
from portal.auth.resets import make_reset_link
from portal.cli.context import with_app, writing_for
from portal.core.errors import Conflict, Invalid, NotFound
from portal.tenancy.queries import find_tenant_host
from portal.users.models import User
from portal.users.queries import find_user_by_email


@click.group()
def user() -> None:
    """Invite people, and help those who lost a factor or password."""


@user.command()
@click.argument("email")
@click.argument("name")
@click.option("--tenant", required=True, help="The organisation's short name.")
@click.option("--role", default="member", show_default=True, help="The role's key or name.")
@with_app
def invite(email: str, name: str, tenant: str, role: str) -> None:
    """Invite NAME, and print the one-time link.

    The link also goes out by mail, if the installation sends mail.
    """
    host = find_tenant_host(tenant)
    with writing_for(tenant) as found:
        if host is None:
            raise Conflict(f"{found.slug} has no host to be reached under.")
        invited = invite_member(OPERATOR, email, name, _role_key(role), host=host)
    click.echo(invited.link)


@user.command("reset-mfa")
@click.argument("email")
@click.option("--tenant", required=True, help="The organisation's short name.")
@with_app
def reset_mfa(email: str, tenant: str) -> None:
    """Remove all second factors of somebody who lost theirs.

    They set up a new one at the next sign-in. No second admin is asked, whatever the organisation's
    policy says. This is recorded in the audit log.
    """
    with writing_for(tenant):
        reset_factors(OPERATOR, _get_user(email, tenant).id)
        alone = " (no second admin was asked)" if needs_two(Kind.RESET_FACTORS) else ""
    click.echo(f"{email} sets up a new authenticator at the next sign-in{alone}")


@user.command("reset-password")
@click.argument("email")
@click.option("--tenant", required=True, help="The organisation's short name.")
@with_app
def reset_password(email: str, tenant: str) -> None:
    """Print a link for choosing a new password.

    It works once, for half an hour. The second factor stays as it is.
    """
    with writing_for(tenant):
        link = make_reset_link(OPERATOR, _get_user(email, tenant).id)
    click.echo(link)


@user.command("audit-passwords")
@click.option("--tenant", required=True, help="The organisation's short name.")
@with_app
def audit_passwords(tenant: str) -> None:
    """Show how old the passwords are, and their faults.

    "used before": the person had this password earlier. "old hash": it was hashed at another cost
    than today's, and will be hashed anew at the next sign-in.
    """
    with writing_for(tenant):
        reviewed = review_passwords(OPERATOR)
    width = max((len(one.email) for one in reviewed), default=0)
    for one in reviewed:
        faults = (["used before"] if one.is_reused else []) + (
            ["old hash"] if one.is_outdated else []
        )
        days = f"{one.age_days} day{'' if one.age_days == 1 else 's'}"
        click.echo(f"{one.email:<{width}}  {days:>10}  {', '.join(faults) or 'fine'}")


def _role_key(text: str) -> str:
    found = find_live_role_named(text)
    if found is None or found.is_scoped:
        there_are = ", ".join(r.name for r in list_live_roles().values() if not r.is_scoped)
        raise Invalid(f"There is no such role for the whole organisation. The roles: {there_are}.")
    return found.key


def _get_user(email: str, tenant: str) -> User:
    found = find_user_by_email(email)
    if found is None:
        raise NotFound(f"There is no member {email} in {tenant}.")
    return found
