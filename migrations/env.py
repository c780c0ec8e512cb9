"""Runs one lane of migrations over one connection; `portal.tenancy.migrations` calls it."""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    version_table=config.attributes["version_table"],
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,  # on SQLite as well: see tenancy.sqlite.hold_schema_changes
)
with context.begin_transaction():
    context.run_migrations()
