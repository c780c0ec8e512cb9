"""Which of many logs have entries that wait for their numbers."""

from collections.abc import Sequence

from portal.tenancy.asking import tenants_with
from portal.tenancy.binding import TenantRecord
from portal.tenancy.session import db


def list_waiting(tenants: Sequence[TenantRecord]) -> Sequence[TenantRecord]:
    """Those whose logs may have some: on SQLite none has."""
    return [] if db.engine.dialect.name == "sqlite" else tenants_with("logs_waiting", tenants)
