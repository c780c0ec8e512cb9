"""Sample data, made by the same services that people use, so that it is real in every way.

A set-up that was cut off is completed by the next one; once complete it is left alone, so what a
visitor deletes stays deleted.
"""

import secrets

import click

from portal.access.decision import Member
from portal.access.groups.members import add_to_group
from portal.access.groups.queries import search_groups
from portal.access.groups.service import create_group
from portal.access.holders import get_group_holder
from portal.access.permissions import (
    BUILT_IN,
    Permission,
)
from portal.access.service import assign_role
from portal.alerts.watching import judge_next
from portal.auth import samples
from portal.auth.factors.totp import new_secret
from portal.auth.samples import SamplePerson
from portal.cli.context import writing
from portal.cli.sample_acts import (
    ask_for_a_review,
    keep_things,
    leave_a_trail,
    make_a_role,
    name_a_destination,
)
from portal.cli.sample_data import ORGANISATIONS, Organisation, Team
from portal.cli.sample_documents import add_document, find_folder
from portal.cli.sample_people import acting_as, add_person
from portal.cli.tenants import create_tenant
from portal.core.errors import Conflict
from portal.core.settings import Settings
from portal.documents.retention.held_people import find_held_people
from portal.tenancy.binding import TenantRecord
from portal.tenancy.queries import find_tenant, list_tenants
from portal.users.queries import find_user_by_email


def add_samples(settings: Settings) -> None:
    """Make what is missing of the sample organisations."""
    if samples.is_complete(settings.instance):
        return
    if list_tenants() and not samples.read(settings.instance):
        raise Conflict("This instance holds real organisations; sample people don't go there.")
    people = list(samples.read(settings.instance)) or _plan(settings)
    samples.write(settings.instance, people, is_complete=False)
    for organisation in ORGANISATIONS:
        click.echo(f"adding {organisation.name}")
        tenant = find_tenant(organisation.slug)
        if tenant is None:
            tenant, _ = create_tenant(organisation.slug, organisation.name)
        _judge(tenant)  # from here on
        own = {p.name: p for p in people if p.tenant_name == organisation.name}
        _fill(tenant, organisation, own)
        _judge(tenant)
    samples.write(settings.instance, people, is_complete=True)


def _judge(tenant: TenantRecord) -> None:
    """Raise the alerts of what is in the log, as far as it has numbers."""
    has_more = True
    while has_more:
        with writing(tenant):
            has_more = judge_next(find_held_people)


def _plan(settings: Settings) -> list[SamplePerson]:
    """The sample people with new secrets, kept before anybody is made with them."""
    return [
        SamplePerson(
            tenant_name=organisation.name,
            host=f"{organisation.slug}.{settings.apex}",
            name=person.name,
            role=BUILT_IN[person.role].name,
            email=f"{person.first_name}@{organisation.slug}.example",
            password=secrets.token_urlsafe(9),
            totp_secret=new_secret(),
        )
        for organisation in ORGANISATIONS
        for person in organisation.people
    ]


def _fill(tenant: TenantRecord, organisation: Organisation, own: dict[str, SamplePerson]) -> None:
    worker = own[next(p.name for p in organisation.people if p.role == "member")]
    for person in organisation.people:
        if not person.folder:
            add_person(tenant, person, own[person.name], None)
    for path, name, text in organisation.documents:
        with acting_as(tenant, worker) as member:
            add_document(member, path, name, text)
    for person in organisation.people:
        if person.folder:
            with acting_as(tenant, worker) as member:
                folder_id = find_folder(member, person.folder)
            add_person(tenant, person, own[person.name], folder_id)
    people = list(own.values())
    make_a_role(tenant, people)
    admin = own[next(p.name for p in organisation.people if p.role == "admin")]
    with acting_as(tenant, admin) as actor:
        _add_team(actor, organisation.team, own)
    leave_a_trail(tenant, people, worker)
    ask_for_a_review(tenant, people)
    keep_things(tenant, organisation, people, worker)
    name_a_destination(tenant, people)


def _add_team(admin: Member, team: Team, own: dict[str, SamplePerson]) -> None:
    if search_groups(admin, team.name).total:
        return
    group = create_group(admin, team.name, team.sentence)
    users = [find_user_by_email(own[name].email) for name in team.people]
    add_to_group(admin, group.id, [user.id for user in users if user])
    folder_id = find_folder(admin, team.folder, Permission.ROLE_ASSIGN)
    assign_role(
        admin, get_group_holder(group.id), team.role, folder_id, reason="Works on what lies there"
    )
