"""A mail server for the tests that takes every message and delivers none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.harness.ports import free_port


@dataclass(frozen=True)
class Mail:
    """One message, and the addresses its sender gave the server, which need not be those in it."""

    sender: str | None
    recipients: list[str]
    message: EmailMessage

    @property
    def text(self) -> str:
        """What it says to whoever reads plain text."""
        return str(self.message.get_body(("plain",)).get_content())

    @property
    def html(self) -> str:
        """What it says to everybody else."""
        return str(self.message.get_body(("html",)).get_content())


@dataclass
class MailSink:
    """Where it listens and what it was sent. A message is in `mails` before it is acknowledged."""

    port: int
    host: str = "127.0.0.1"
    mails: list[Mail] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a message."""
        message = message_from_bytes(envelope.original_content, policy=policy.default)
        self.mails.append(Mail(envelope.mail_from, envelope.rcpt_tos, message))
        return "250 OK"


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A server on a free port of the loopback for the block."""
    sink = MailSink(free_port())
    controller = Controller(sink, hostname=sink.host, port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
