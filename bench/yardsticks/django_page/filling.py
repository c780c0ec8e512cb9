"""Schemas and rows for the page. Imported once Django has its settings."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections
from django_tenants.utils import schema_context

from bench.yardsticks.contents import DOCUMENTS, PEOPLE, TENANTS
from bench.yardsticks.django_page.documents.models import Document
from bench.yardsticks.django_page.organisations.models import Domain, Organisation


def fill() -> str:
    """Make everything; gives the cookie of the first tenant's first person."""
    call_command("migrate_schemas", schema_name="public", run_syncdb=True, verbosity=0)
    cookies = []
    for slug, name in TENANTS:
        schema = slug.replace("-", "_")
        organisation = Organisation.objects.create(schema_name=schema, name=name)
        Domain.objects.create(domain=f"{slug}.localhost", tenant=organisation, is_primary=True)
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {schema}")
        call_command("migrate_schemas", schema_name=schema, run_syncdb=True, verbosity=0)
        with schema_context(schema):
            cookies.append(_fill_schema())
    connections.close_all()
    return cookies[0]


def _fill_schema() -> str:
    people = User.objects.bulk_create(
        User(username=email, email=email, first_name=name) for email, name in PEOPLE
    )
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    Document.objects.bulk_create(
        Document(
            owner=people[number % len(people)],
            name=name,
            media_type=media_type,
            size_bytes=size_bytes,
            updated_at=at - timedelta(hours=number),
        )
        for number, (name, media_type, size_bytes) in enumerate(DOCUMENTS)
    )
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(people[0].pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = people[0].get_session_auth_hash()
    session.save()
    return f"sessionid={session.session_key}"
