"""Sample data, made by the same services that people use, so that it is real in every way.

A set-up that was cut off is completed by the next one; once complete it is left alone, so what a
visitor deletes stays deleted.
"""

import io
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import UUID

import click

from portal.access import audit_log
from portal.access.custom_roles import create_role
from portal.access.decision import Forbidden, Member
from portal.access.exclusions import add_exclusion
from portal.access.groups.members import add_to_group
from portal.access.groups.queries import search_groups
from portal.access.groups.service import create_group
from portal.access.holders import get_group_holder, get_person
from portal.access.permissions import (
    ADMIN,
    AUDITOR,
    BUILT_IN,
    COMPLIANCE_OFFICER,
    MEMBER,
    Permission,
)
from portal.access.reviews.models import Unanswered
from portal.access.reviews.queries import list_reviews
from portal.access.reviews.scope import Scope
from portal.access.reviews.service import Choices
from portal.access.role_rules import Chosen
from portal.access.roles import find_live_role_named
from portal.access.service import assign_role
from portal.audit.actions import Action
from portal.audit.actor import OPERATOR, Actor, ActorKind
from portal.audit.export import Form
from portal.audit.queries import Filters
from portal.audit.service import record
from portal.auth import samples
from portal.auth.alerts.watching import judge_next
from portal.auth.assurance import First, Second
from portal.auth.destinations import chosen as destinations
from portal.auth.destinations.kinds import Kind, Rhythm
from portal.auth.destinations.places import WebhookPlace
from portal.auth.destinations.queries import list_destinations
from portal.auth.destinations.service import create_destination
from portal.auth.factors.models import TotpDevice
from portal.auth.factors.totp import new_secret
from portal.auth.invitations import accept_invitation, invite_again, invite_member
from portal.auth.live_sessions import find_session
from portal.auth.samples import SamplePerson
from portal.auth.sessions import end_sessions_of, open_session
from portal.cli.context import writing
from portal.cli.sample_data import ORGANISATIONS, Organisation, Person, Team
from portal.cli.tenants import create_tenant
from portal.core import clock
from portal.core.errors import Conflict
from portal.core.ids import new_id
from portal.core.settings import Settings
from portal.documents.choosing import Spot, list_level
from portal.documents.downloads import open_download
from portal.documents.folders import create_folder
from portal.documents.queries import list_folder
from portal.documents.retention.held_people import find_held_people
from portal.documents.retention.holding import place_hold
from portal.documents.retention.holds import list_holds
from portal.documents.retention.models import AnchorKind
from portal.documents.retention.rules import Choices as RuleChoices
from portal.documents.retention.rules import create_rule
from portal.documents.retention.things import Thing
from portal.documents.reviews import start_review
from portal.documents.service import delete_document
from portal.documents.stars import star_document
from portal.documents.uploads import upload_document
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import find_tenant, list_tenants
from portal.tenancy.session import db
from portal.users.models import UserState
from portal.users.queries import find_user_by_email, ids_by_email

BROWSER = "Sample data"
ARCHIVIST = Chosen(
    name="Archivist",
    sentence="Reads all documents, and clears away what is out of date.",
    permissions=frozenset({Permission.DOCUMENT_READ, Permission.DOCUMENT_DELETE}),
)
REVIEWERS = frozenset({ADMIN.name, MEMBER.name, AUDITOR.name})


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
            _add_person(tenant, person, own[person.name], None)
    for path, name, text in organisation.documents:
        with _acting_as(tenant, worker) as member:
            _add_document(member, path, name, text)
    for person in organisation.people:
        if person.folder:
            with _acting_as(tenant, worker) as member:
                folder_id = _find_folder(member, person.folder)
            _add_person(tenant, person, own[person.name], folder_id)
    _make_a_role(tenant, list(own.values()))
    admin = own[next(p.name for p in organisation.people if p.role == "admin")]
    with _acting_as(tenant, admin) as actor:
        _add_team(actor, organisation.team, own)
    _leave_a_trail(tenant, list(own.values()), worker)
    _ask_for_a_review(tenant, list(own.values()))
    _keep(tenant, organisation, list(own.values()), worker)
    _name_a_destination(tenant, list(own.values()))


def _make_a_role(tenant: TenantRecord, people: list[SamplePerson]) -> None:
    """One of the organisation's own, which no officer can hold, and somebody who holds it."""
    admin = next(sample for sample in people if sample.role == ADMIN.name)
    holder = [sample for sample in people if sample.role == MEMBER.name][-1]
    with _acting_as(tenant, admin) as member:
        if find_live_role_named(ARCHIVIST.name) is not None:
            return
        role = create_role(member, ARCHIVIST, is_scoped=False)
        db.session.flush()
        add_exclusion(member, role.key, COMPLIANCE_OFFICER.key)
        user = find_user_by_email(holder.email)
        assert user is not None  # noqa: S101  # everybody was added before
        assign_role(member, get_person(user.id), role.key, reason="Keeps the trash in order")


def _add_person(
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
        accept_invitation(_visitor(), token, sample.password, user_agent=BROWSER)
        db.session.add(TotpDevice(user_id=user_id, secret=sample.totp_secret))
        record(_visitor(), Action.FACTOR_ENROLLED, f"user:{user_id}", factor="totp")
        db.session.flush()
        end_sessions_of(user_id)


@contextmanager
def _acting_as(tenant: TenantRecord, sample: SamplePerson) -> Iterator[Member]:
    """Act as a sample person, with the rights that the person really has."""
    with acting_for(tenant, writes=True):
        user = find_user_by_email(sample.email)
        assert user is not None  # noqa: S101  # people come before what they do
        token = open_session(_visitor(), user, First.PASSWORD, BROWSER, Second.TOTP)
        db.session.commit()
        found = find_session(token, _visitor())
        assert found is not None  # noqa: S101  # opened two lines above
        try:
            yield found.member
        except Forbidden as error:
            db.session.rollback()
            error.record(found.member)
            raise
        finally:
            end_sessions_of(user.id)
            db.session.commit()


def _add_team(admin: Member, team: Team, own: dict[str, SamplePerson]) -> None:
    if search_groups(admin, team.name).total:
        return
    group = create_group(admin, team.name, team.sentence)
    users = [find_user_by_email(own[name].email) for name in team.people]
    add_to_group(admin, group.id, [user.id for user in users if user])
    folder_id = _find_folder(admin, team.folder, Permission.ROLE_ASSIGN)
    assign_role(
        admin, get_group_holder(group.id), team.role, folder_id, reason="Works on what lies there"
    )


def _add_document(member: Member, path: str, name: str, text: str) -> None:
    folder_id = _ensure_folder(member, path)
    if name in (document.name for document in list_folder(member, folder_id).documents):
        return
    db.session.commit()
    content = text.encode()
    upload_document(member, folder_id, name, io.BytesIO(content), announced_bytes=len(content))


def _ensure_folder(member: Member, path: str) -> UUID | None:
    if not path:
        return None
    above, _, name = path.rpartition("/")
    parent_id = _ensure_folder(member, above)
    there = _folders_in(member, parent_id)
    if name in there:
        return there[name]
    folder = create_folder(member, parent_id, name)
    db.session.flush()
    return folder.id


def _find_folder(
    member: Member, path: str, permission: Permission = Permission.DOCUMENT_READ
) -> UUID | None:
    found: UUID | None = None
    for name in path.split("/"):
        found = _folders_in(member, found, permission)[name]
    return found


def _folders_in(
    member: Member, folder_id: UUID | None, permission: Permission = Permission.DOCUMENT_READ
) -> dict[str, UUID]:
    level = list_level(member, permission, Spot(folder_id))
    return {folder.name: folder.id for folder in level.folders}


def _leave_a_trail(tenant: TenantRecord, people: list[SamplePerson], worker: SamplePerson) -> None:
    """Some days' life: downloads, a star, a deletion, an officer's look, and two refusals."""
    with _acting_as(tenant, worker) as member:
        document = list_folder(member, None).documents[0]
        open_download(member, document.id).close()
        star_document(member, document.id)
    with _acting_as(tenant, worker) as member:
        folder_id = _ensure_folder(member, "")
        draft = f"Draft by {member.name}.txt"
        made = upload_document(
            member, folder_id, draft, io.BytesIO(b"to be written\n"), announced_bytes=14
        )
        db.session.flush()
        delete_document(member, made.id)
    for sample in people:
        if sample.role in ("Compliance officer", "Admin", "Member"):
            # Only the officer may: the others are refused, and that is in the log as well.
            with suppress(Forbidden), _acting_as(tenant, sample) as member:
                audit_log.search(member, Filters())


def _ask_for_a_review(tenant: TenantRecord, people: list[SamplePerson]) -> None:
    """An open review of everything that people hold, for a few of them to answer."""
    officer = next(p for p in people if p.role == COMPLIANCE_OFFICER.name)
    with _acting_as(tenant, officer) as member:
        if list_reviews(member).reviews:
            return
        asked = [p.email for p in people if p.role in REVIEWERS]
        choices = Choices(
            name="Who holds what",
            scope=Scope(),
            reviewers=frozenset(ids_by_email(asked).values()),
            due_at=clock.now() + timedelta(days=14),
            on_unanswered=Unanswered.ESCALATE,
        )
        start_review(member, choices)


def _keep(
    tenant: TenantRecord, organisation: Organisation, people: list[SamplePerson], held: SamplePerson
) -> None:
    """A rule that keeps a folder for ten years, and a hold on somebody who works a lot."""
    officer = next(p for p in people if p.role == COMPLIANCE_OFFICER.name)
    with _acting_as(tenant, officer) as member:
        if list_holds(member):
            return
        folder_id = _find_folder(member, organisation.team.folder, Permission.RETENTION_EDIT)
        ten_years = RuleChoices(
            name="Kept for ten years",
            folder_id=folder_id,
            media_type="",
            keep_days=3650,
            delete_days=None,
            prune_days=None,
        )
        create_rule(member, ten_years)
        user = find_user_by_email(held.email)
        assert user is not None  # noqa: S101  # everybody was added before
        thing = Thing(AnchorKind.USER, user.id)
        place_hold(member, thing, "Supplier dispute", "The lawyers want everything kept.")


def _name_a_destination(tenant: TenantRecord, people: list[SamplePerson]) -> None:
    """Where the log could be sent; nothing goes there, as it is not started."""
    officer = next(p for p in people if p.role == COMPLIANCE_OFFICER.name)
    with _acting_as(tenant, officer) as member:
        if list_destinations(member):
            return
        monitoring = destinations.Chosen(
            name="Security monitoring",
            kind=Kind.WEBHOOK,
            place=WebhookPlace(address=f"https://siem.{tenant.slug}.example/portal"),
            rhythm=Rhythm.HOURLY,
            entry_form=Form.OCSF,
            wants_alerts=True,
        )
        create_destination(member, monitoring)


def _visitor() -> Actor:
    return Actor(kind=ActorKind.ANONYMOUS, address="127.0.0.1", request_id=new_id())
