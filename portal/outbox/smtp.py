"""Handing a mail to the mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from functools import partial
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 20
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})  # nobody is in between


def send(smtp_url: str, message: EmailMessage, *, seconds: float = TIMEOUT_SECONDS) -> None:
    """Send by `smtp://[user:password@]host[:port]` or `smtps://…`.

    The first encrypts where the server offers it, and must where a password is sent. Who the
    server is, is checked against the machine's certificates. Raises `OSError` or
    `smtplib.SMTPException`.
    """
    parts = urlsplit(smtp_url)
    host, port = parts.hostname or "localhost", parts.port or 0
    context = ssl.create_default_context()
    is_smtps = parts.scheme == "smtps"
    connect = partial(smtplib.SMTP_SSL, context=context) if is_smtps else smtplib.SMTP
    with connect(host, port, timeout=seconds) as server:
        server.ehlo()
        is_wanted = parts.username or server.has_extn("starttls")
        if is_wanted and not is_smtps and host not in THIS_MACHINE:
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
