"""Handing a mail to the mail server."""

import smtplib
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 20


def send(smtp_url: str, message: EmailMessage) -> None:
    """Send by `smtp://[user:password@]host[:port]` (STARTTLS where offered) or `smtps://…`.

    Raises `OSError` or `smtplib.SMTPException`.
    """
    parts = urlsplit(smtp_url)
    connect = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    with connect(parts.hostname or "localhost", parts.port or 0, timeout=TIMEOUT_SECONDS) as server:
        if parts.scheme == "smtp":
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
