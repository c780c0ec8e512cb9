"""What tests of migrations share: an empty database, and going back."""

from typing import Any
from uuid import UUID

from alembic import command

from portal.tenancy import migrations
from portal.tenancy.placement import system_engine


def downgrade(url: str, lane: str, to: str = "base") -> None:
    engine = system_engine(url)
    try:
        with engine.connect() as connection:
            config = migrations._config(lane)
            config.attributes["connection"] = connection
            command.downgrade(config, to)
            connection.commit()
    finally:
        engine.dispose()


def stamp(connection: Any, tenant: UUID) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET app.tenant_id = '{tenant}'")
