"""What has happened in a sample organisation by the time that somebody looks at it."""

import io
from contextlib import suppress
from datetime import timedelta

from portal.access import audit_log
from portal.access.custom_roles import create_role
from portal.access.decision import Forbidden
from portal.access.exclusions import add_exclusion
from portal.access.holders import get_person
from portal.access.permissions import (
    ADMIN,
    AUDITOR,
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
from portal.audit.export import Form
from portal.audit.queries import Filters
from portal.auth.samples import SamplePerson
from portal.cli.sample_data import Organisation
from portal.cli.sample_documents import find_folder
from portal.cli.sample_people import acting_as, user_of
from portal.core import clock
from portal.destinations import chosen as destinations
from portal.destinations.kinds import Kind, Rhythm
from portal.destinations.places import WebhookPlace
from portal.destinations.queries import list_destinations
from portal.destinations.service import create_destination
from portal.documents.downloads import open_download
from portal.documents.queries import list_folder
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
from portal.tenancy.binding import TenantRecord
from portal.tenancy.session import db
from portal.users.queries import ids_by_email

ARCHIVIST = Chosen(
    name="Archivist",
    sentence="Reads all documents, and clears away what is out of date.",
    permissions=frozenset({Permission.DOCUMENT_READ, Permission.DOCUMENT_DELETE}),
)
REVIEWERS = frozenset({ADMIN.name, MEMBER.name, AUDITOR.name})


def make_a_role(tenant: TenantRecord, people: list[SamplePerson]) -> None:
    """One of the organisation's own, which no officer can hold, and somebody who holds it."""
    admin = next(sample for sample in people if sample.role == ADMIN.name)
    holder = [sample for sample in people if sample.role == MEMBER.name][-1]
    with acting_as(tenant, admin) as member:
        if find_live_role_named(ARCHIVIST.name) is not None:
            return
        role = create_role(member, ARCHIVIST, is_scoped=False)
        db.session.flush()
        add_exclusion(member, role.key, COMPLIANCE_OFFICER.key)
        user = user_of(holder)
        assign_role(member, get_person(user.id), role.key, reason="Keeps the trash in order")


def leave_a_trail(tenant: TenantRecord, people: list[SamplePerson], worker: SamplePerson) -> None:
    """Some days' life: downloads, a star, a deletion, an officer's look, and two refusals."""
    with acting_as(tenant, worker) as member:
        document = list_folder(member, None).documents[0]
        open_download(member, document.id).tell().close()
        star_document(member, document.id)
    with acting_as(tenant, worker) as member:
        draft = f"Draft by {member.name}.txt"
        made = upload_document(
            member, None, draft, io.BytesIO(b"to be written\n"), announced_bytes=14
        )
        db.session.flush()
        delete_document(member, made.id)
    for sample in people:
        if sample.role in ("Compliance officer", "Admin", "Member"):
            # Only the officer may: the others are refused, and that is in the log as well.
            with suppress(Forbidden), acting_as(tenant, sample) as member:
                audit_log.search(member, Filters())


def ask_for_a_review(tenant: TenantRecord, people: list[SamplePerson]) -> None:
    """An open review of everything that people hold, for a few of them to answer."""
    officer = next(p for p in people if p.role == COMPLIANCE_OFFICER.name)
    with acting_as(tenant, officer) as member:
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


def keep_things(
    tenant: TenantRecord, organisation: Organisation, people: list[SamplePerson], held: SamplePerson
) -> None:
    """A rule that keeps a folder for ten years, and a hold on somebody who works a lot."""
    officer = next(p for p in people if p.role == COMPLIANCE_OFFICER.name)
    with acting_as(tenant, officer) as member:
        if list_holds(member):
            return
        folder_id = find_folder(member, organisation.team.folder, Permission.RETENTION_EDIT)
        ten_years = RuleChoices(
            name="Kept for ten years",
            folder_id=folder_id,
            media_type="",
            keep_days=3650,
            delete_days=None,
            prune_days=None,
        )
        create_rule(member, ten_years)
        user = user_of(held)
        thing = Thing(AnchorKind.USER, user.id)
        place_hold(member, thing, "Supplier dispute", "The lawyers want everything kept.")


def name_a_destination(tenant: TenantRecord, people: list[SamplePerson]) -> None:
    """Where the log could be sent; nothing goes there, as it is not started."""
    officer = next(p for p in people if p.role == COMPLIANCE_OFFICER.name)
    with acting_as(tenant, officer) as member:
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
