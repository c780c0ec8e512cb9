"""Mails to people. They may carry one-time links, so they wait in the outbox sealed."""

import json
from email.message import EmailMessage
from email.utils import make_msgid

from portal.core.settings import active
from portal.keys.columns import open_sealed, seal
from portal.outbox import smtp
from portal.outbox.models import Job
from portal.outbox.service import enqueue
from portal.tenancy.session import release

KIND = "mail"


def send_later(to: str, subject: str, text: str) -> None:
    """Put a mail into the outbox, in the present transaction."""
    content = json.dumps({"to": to, "subject": subject, "text": text})
    enqueue(KIND, lambda job: seal("job", "payload", job.id, content))


def deliver(job: Job) -> None:
    """Hand a waiting mail to the mail server. Raises what `smtp.send` raises."""
    content = json.loads(open_sealed("job", "payload", job.id, job.payload))
    release()  # the mail server may be slow: no transaction waits for it
    settings = active()
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = content["to"]
    message["Subject"] = content["subject"]
    message["Message-ID"] = make_msgid(idstring=job.id.hex, domain=settings.apex)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(content["text"])
    smtp.send(settings.smtp_url, message)
