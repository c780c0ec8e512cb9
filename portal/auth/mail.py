"""Mails to people. They may carry one-time links, so they wait in the outbox sealed.

Each is written twice in `templates/mail`, as text and as HTML. The HTML has no style, no picture
and nothing that is loaded from anywhere: it looks as the reader's own program likes it to.
"""

import json
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from functools import cache
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.core import clock
from portal.core.settings import active
from portal.core.shipped import shipped
from portal.keys.columns import open_sealed, seal
from portal.keys.models import JOB_PAYLOAD
from portal.outbox import smtp
from portal.outbox.models import Job
from portal.outbox.service import drop_stale, enqueue
from portal.tenancy.binding import bound
from portal.tenancy.session import release

KIND, NOTICE_KIND = "mail", "notice"
NOTICES_KEPT_FOR = timedelta(days=3)  # a weekend without a mail server, and no longer


def send_later(to: str, subject: str, template: str, *, kind: str = KIND, **facts: Any) -> None:
    """Put a mail into the outbox, in the present transaction.

    `template` is the name of a pair in `templates/mail`; `facts` are what it tells. One of the kind
    of notices is sent soon or not at all.
    """
    facts |= {"subject": subject, "tenant": bound().tenant}
    content = {"to": to, "subject": subject} | {
        form: _templates().get_template(f"{template}.{form}").render(facts)
        for form in ("txt", "html")
    }
    enqueue(kind, lambda job: seal(*JOB_PAYLOAD, job.id, json.dumps(content)))


def deliver(job: Job) -> None:
    """Hand a waiting mail to the mail server. Raises what `smtp.send` raises."""
    content = json.loads(open_sealed(*JOB_PAYLOAD, job.id, job.payload))
    message = begin_mail(job.id, content["to"], content["subject"])
    release()  # the mail server may be slow: no transaction waits for it
    message.set_content(content["txt"])
    message.add_alternative(content["html"], subtype="html")
    smtp.send(active().smtp_url, message)


def begin_mail(id_: UUID, to: str, subject: str) -> EmailMessage:
    """A mail from the bound tenant that says nothing yet. Sent again, it has the same id."""
    message = EmailMessage()
    message["From"] = _sender(bound().tenant.name)
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(idstring=id_.hex, domain=active().apex)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answer is wanted
    return message


def drop_stale_notices() -> None:
    """Give up notices that waited for a mail server too long.

    They would tell of things long past as if they had just happened, all of them at once. What they
    tell of is in the log, and so is that they were not sent.
    """
    dropped = drop_stale(NOTICE_KIND, NOTICES_KEPT_FOR)
    if dropped:
        record(SYSTEM, Action.MAIL_DROPPED, "organisation", count=dropped)


def _sender(name: str) -> Address:
    """The portal's address under a tenant's name, of which what can't be printed is left out.

    What the name holds besides is quoted or encoded: it never becomes an address or a header.
    """
    display_name = "".join(c for c in name if c.isprintable()).strip()
    return Address(display_name, addr_spec=parseaddr(active().mail_from)[1])


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(shipped("templates") / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
