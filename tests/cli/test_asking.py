"""The worker visits those who have something for it to do: all are asked after at once."""

import pytest
from sqlalchemy import ARRAY, Uuid, func, literal, select, text

from portal.audit.models import AuditEntry
from portal.audit.tlog.numbering import number_waiting
from portal.outbox.service import enqueue
from portal.tenancy.asking import tenants_with
from portal.tenancy.session import db
from tests.alerts.watching import watch
from tests.audit.reading import entry, write
from tests.conftest import on_postgresql

QUESTIONS = ("logs_waiting", "logs_unjudged", "jobs_undone", "logs_sent")


@on_postgresql
def test_who_has_nothing_to_do_is_not_visited(portal, acme, globex) -> None:
    both = [acme.record, globex.record]
    watch(portal)
    portal.execute_everywhere("DELETE FROM job")
    portal.execute("UPDATE log_destination SET is_started = false", acme)
    with portal.app.app_context():
        assert [tenants_with(question, both) for question in QUESTIONS] == [[]] * 4
        write(globex, entry())
        assert tenants_with("logs_waiting", both) == [globex.record]
        watch(portal)
        write(globex, entry())
        with globex.bound(writes=True):
            while number_waiting():
                db.session.commit()
        assert tenants_with("logs_unjudged", both) == [globex.record]
        with acme.bound(writes=True):
            enqueue("test", lambda job: b"x")
        assert tenants_with("jobs_undone", both) == [acme.record]
        starting = "UPDATE log_destination SET is_started = true WHERE tenant_id = '{}'"
        portal.execute(starting.format(acme.id))
        assert tenants_with("logs_sent", both) == [acme.record]


@pytest.mark.parametrize("question", QUESTIONS)
@on_postgresql
def test_a_question_leaves_no_wall_moved(portal, acme, globex, question) -> None:
    asked = select(getattr(func, question)(literal([globex.id], ARRAY(Uuid()))))
    setting = text("SELECT current_setting('app.tenant_id')")
    with acme.bound() as session:
        before = session.scalars(select(AuditEntry.id)).all()
        session.scalars(asked).all()
        assert session.scalar(setting) == str(acme.id)
        assert session.scalars(select(AuditEntry.id)).all() == before
    with portal.app.app_context(), db.engine.connect() as connection:
        connection.execute(asked)
        assert connection.scalar(setting) == ""
