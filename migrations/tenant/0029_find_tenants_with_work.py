"""Let the worker ask at once which of many tenants have something for it to do.

The functions look at one tenant after the other, each from behind its own wall, as whoever calls
them could do with a question for each; afterwards the caller's wall stands where it stood. On
SQLite each tenant has a file of its own, which has to be opened to be asked.
"""

from alembic import op

from portal.tenancy.postgres import SETTING

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

QUESTIONS = {
    "logs_waiting": "EXISTS (SELECT FROM audit_aside WHERE tenant_id = each AND is_waiting)",
    "logs_unjudged": """
        coalesce((SELECT next_number FROM alert_progress WHERE tenant_id = each), -1)
        < coalesce((SELECT max(number) + 1 FROM audit_leaf WHERE tenant_id = each), 0)
    """,
    "jobs_undone": "EXISTS (SELECT FROM job WHERE tenant_id = each AND done_at IS NULL)",
    "logs_sent": "EXISTS (SELECT FROM log_destination WHERE tenant_id = each AND is_started)",
}
FUNCTION = """
CREATE FUNCTION {name}(tenant_ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    own text := coalesce(current_setting('{setting}', true), '');
    each uuid;
BEGIN
    FOREACH each IN ARRAY tenant_ids LOOP
        PERFORM set_config('{setting}', each::text, true);
        IF {question} THEN
            RETURN NEXT each;
        END IF;
    END LOOP;
    PERFORM set_config('{setting}', own, true);
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, question in QUESTIONS.items():
            op.execute(FUNCTION.format(name=name, question=question, setting=SETTING))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in QUESTIONS:
            op.execute(f"DROP FUNCTION {name}(uuid[])")
