"""`portal user`: people, for what no page can do yet."""

import click

from portal.access.permissions import ROLES
from portal.audit.actor import OPERATOR
from portal.auth.invitations import invite_member
from portal.auth.membership import reset_factors
from portal.auth.policy.queries import get_policy
from portal.cli.context import with_app, writing_for
from portal.core.errors import Conflict, NotFound
from portal.tenancy.queries import find_tenant_host
from portal.users.queries import find_user_by_email

UNSCOPED = [role.key for role in ROLES.values() if not role.is_scoped]


@click.group()
def user() -> None:
    """Invite people, and help those who lost their authenticator."""


@user.command()
@click.argument("email")
@click.argument("name")
@click.option("--tenant", required=True, help="The organisation's short name.")
@click.option("--role", type=click.Choice(UNSCOPED), default="member", show_default=True)
@with_app
def invite(email: str, name: str, tenant: str, role: str) -> None:
    """Invite NAME, and print the one-time link.

    It goes out by mail as well.
    """
    host = find_tenant_host(tenant)
    with writing_for(tenant) as found:
        if host is None:
            raise Conflict(f"{found.slug} has no host to be reached under.")
        invited = invite_member(OPERATOR, email, name, role, host=host)
    click.echo(invited.link)


@user.command("reset-mfa")
@click.argument("email")
@click.option("--tenant", required=True, help="The organisation's short name.")
@with_app
def reset_mfa(email: str, tenant: str) -> None:
    """Remove a lost authenticator.

    The next sign-in sets up a new one. No second admin is asked, whatever the organisation's policy
    says; the audit log tells of it.
    """
    with writing_for(tenant):
        found = find_user_by_email(email)
        if found is None:
            raise NotFound(f"There is no member {email} in {tenant}.")
        reset_factors(OPERATOR, found.id)
        alone = " (no second admin was asked)" if get_policy().resets_need_two else ""
    click.echo(f"{email} sets up a new authenticator at the next sign-in{alone}")
