"""The schema of a tenant's file: made by the migrations once a process, and copied from then on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import make_url

from portal.tenancy import migrations
from portal.tenancy.binding import TenantRecord
from portal.tenancy.models import Placement
from portal.tenancy.placement import file_of

Upgrade = Callable[..., None]


@contextmanager
def copied_schemas() -> Iterator[Upgrade]:
    """Whoever creates a tenant gets, on SQLite, a copy of the first file that was brought all the
    way from empty to the newest schema. Files that hold anything are upgraded as always. Gives what
    upgrades all of them.
    """
    upgrade, made = migrations.upgrade_tenant, {}

    def upgrade_or_copy(tenant: TenantRecord, owner_url: str, *more: Any) -> None:
        main = make_url(owner_url)
        is_file = (main.get_backend_name(), tenant.placement) == ("sqlite", Placement.DATABASE)
        path = file_of(tenant, main) if is_file else None
        if path is None or not path.is_file() or path.stat().st_size:
            upgrade(tenant, owner_url, *more)
            return
        way = (*more, migrations.shipped("migrations"))
        if way not in made:
            upgrade(tenant, owner_url, *more)
            made[way] = path.read_bytes()
        path.write_bytes(made[way])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "upgrade_tenant", upgrade_or_copy)
        yield upgrade
