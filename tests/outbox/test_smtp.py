"""Handing mail over: to the server that was meant, and to nobody in between."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from smtplib import SMTPException

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.outbox import smtp
from tests.harness.ports import free_port
from tests.harness.smtp import MailSink

LOOPBACK, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for both addresses, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(a)) for a in (LOOPBACK, ELSEWHERE)]
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "mail.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def trusted(certificate, monkeypatch) -> None:
    """The machine trusts that certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


class Seen(list):
    """What the server was told as login and password, and whether the line was encrypted."""


@contextmanager
def server(
    host: str, certificate: Path | None, *, wrapped: bool = False
) -> Iterator[tuple[MailSink, Seen]]:
    """A mail server that takes any password. With a certificate it offers STARTTLS, or speaks
    nothing but TLS where it is `wrapped`."""
    sink, seen = MailSink(free_port(), host), Seen()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def take(
        server: SMTP, _session: object, _envelope: object, _mechanism: str, data: object
    ) -> AuthResult:
        is_encrypted = server.transport.get_extra_info("ssl_object") is not None
        seen.append((data.login.decode(), data.password.decode(), is_encrypted))
        return AuthResult(success=True)

    controller = Controller(
        sink,
        hostname=host,
        port=sink.port,
        ssl_context=context if wrapped else None,
        tls_context=None if wrapped else context,
        authenticator=take,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield sink, seen
    finally:
        controller.stop()


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "portal@example", "ana@example", "Hello"
    made.set_content("http://acme.example/auth/invitations/secret")
    return made


def test_a_mail_server_on_the_same_machine_needs_no_encryption() -> None:
    with server(LOOPBACK, None) as (sink, _):
        smtp.send(f"smtp://{sink.host}:{sink.port}", message())
        assert len(sink.mails) == 1


def test_encryption_that_is_offered_is_used(certificate, trusted) -> None:
    with server(ELSEWHERE, certificate) as (sink, seen):
        smtp.send(f"smtp://us%40er:p%3Aw%2F@{sink.host}:{sink.port}", message())
        assert len(sink.mails) == 1
        assert seen == [("us@er", "p:w/", True)]


def test_tls_from_the_start_works(certificate, trusted) -> None:
    with server(ELSEWHERE, certificate, wrapped=True) as (sink, seen):
        smtp.send(f"smtps://user:password@{sink.host}:{sink.port}", message())
        assert len(sink.mails) == 1
        assert seen == [("user", "password", True)]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_server_that_only_claims_to_be_the_one_gets_neither_mail_nor_password(
    certificate, wrapped
) -> None:
    """Nobody vouches for its certificate."""
    with server(ELSEWHERE, certificate, wrapped=wrapped) as (sink, seen):
        scheme = "smtps" if wrapped else "smtp"
        with pytest.raises(ssl.SSLCertVerificationError):
            smtp.send(f"{scheme}://user:password@{sink.host}:{sink.port}", message())
        assert (sink.mails, seen) == ([], [])


def test_a_password_never_leaves_the_machine_in_clear() -> None:
    """Whoever sits in between can leave out the offer of encryption."""
    with server(ELSEWHERE, None) as (sink, seen):
        with pytest.raises(SMTPException):
            smtp.send(f"smtp://user:password@{sink.host}:{sink.port}", message())
        assert (sink.mails, seen) == ([], [])


def test_on_the_same_machine_a_home_made_certificate_is_no_hindrance(certificate) -> None:
    """Debian's mail server brings one, and nobody sits in between."""
    with server(LOOPBACK, certificate) as (sink, _):
        smtp.send(f"smtp://{sink.host}:{sink.port}", message())
        assert len(sink.mails) == 1
