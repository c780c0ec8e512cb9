"""Let the sequencer ask at once which of many logs have entries that wait for their numbers.

The function looks at one tenant after the other, each from behind its own wall, as whoever calls
it could do with a question for each; afterwards the caller's wall stands where it stood. On SQLite
no entry waits.
"""

from alembic import op

from portal.tenancy.postgres import SETTING

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

FIND_WAITING = f"""
CREATE FUNCTION logs_waiting(tenant_ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    own text := coalesce(current_setting('{SETTING}', true), '');
    each uuid;
BEGIN
    FOREACH each IN ARRAY tenant_ids LOOP
        PERFORM set_config('{SETTING}', each::text, true);
        IF EXISTS (SELECT FROM audit_aside WHERE tenant_id = each AND is_waiting) THEN
            RETURN NEXT each;
        END IF;
    END LOOP;
    PERFORM set_config('{SETTING}', own, true);
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FIND_WAITING)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION logs_waiting(uuid[])")
