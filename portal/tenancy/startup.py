"""Whether the databases are fit to serve: newest schema, all walls up, a role that they hold."""

from collections.abc import Sequence

from sqlalchemy import URL

from portal.core.errors import Misconfigured
from portal.tenancy import migrations, postgres, schema
from portal.tenancy.binding import TenantRecord
from portal.tenancy.models import Placement
from portal.tenancy.placement import system_engine, url_for


def check_everything(main: URL, tenants: Sequence[TenantRecord]) -> Sequence[str]:
    """Check the main database and every tenant's own; gives the names of all, which are in order.

    Connects as the portal does. Raises `Misconfigured` or `SchemaNotIsolated` at the first fault.
    """
    _check(main, "the main database", is_main=True)
    own = [tenant for tenant in tenants if tenant.placement == Placement.DATABASE]
    for tenant in own:
        _check(url_for(tenant, main), f"the database of {tenant.slug}", is_main=False)
    return ["main database", *(tenant.slug for tenant in own)]


def check_role(main: URL) -> None:
    """Raises `Misconfigured` if the role that `main` names is not held by row-level security."""
    if main.get_backend_name() == "postgresql":
        engine = system_engine(main)
        try:
            with engine.connect() as connection:
                postgres.check_role(connection)
        finally:
            engine.dispose()


def _check(url: URL, name: str, *, is_main: bool) -> None:
    engine = system_engine(url)
    try:
        with engine.connect() as connection:
            if url.get_backend_name() == "postgresql":
                postgres.check_role(connection)
            for lane in migrations.lanes_of(url, is_main=is_main):
                if migrations.behind(connection, lane):
                    raise Misconfigured(
                        f"The schema of {name} is not up to date. Run: portal db upgrade"
                    )
            schema.check_catalogue(connection)
    finally:
        engine.dispose()
