"""The portal as it runs in production: `deploy/nginx.conf` with TLS in front of `portal serve`."""

import os
import re
import secrets
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.conftest import join, watch
from tests.harness.ports import free_port, wait_until_open
from tests.serving import TOP, Server, command, read_all, wait_until_ready

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PASSWORD = "a few words that nobody guesses"
LARGE = secrets.token_bytes(12 << 20)  # more than nginx and the kernel hold in memory
THREADS = 8  # of the portal, by default
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@dataclass(frozen=True)
class Site:
    """A portal behind nginx, to which a member is invited."""

    invitation: str
    plain_port: int
    error_log: Path
    access_log: Path
    database: Path
    certificate: Path

    @contextmanager
    def asking(self, url: str, cookies: str = "") -> Iterator[ssl.SSLSocket]:
        """A connection on which something was asked for, and nothing is read of the answer."""
        head = f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        head += f"Cookie: {cookies}\r\nConnection: close\r\n\r\n"
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        with socket.socket() as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            plain.settimeout(10)
            plain.connect(("127.0.0.1", urlsplit(url).port))
            with trusting.wrap_socket(plain, server_hostname="acme.localhost") as connection:
                connection.sendall(head.encode())
                yield connection

    def fetch_slowly(self, url: str, cookies: str) -> bytes:
        """An answer that is not read before the portal has had the time to send all of it."""
        with self.asking(url, cookies) as connection:
            time.sleep(1)
            return read_all(connection)

    def addresses(self) -> set[str]:
        """From where people acted, as the log has it."""
        with closing(sqlite3.connect(self.database)) as connection:
            found = connection.execute("SELECT address FROM audit_aside").fetchall()
        return {address for (address,) in found if address}

    def address(self, path: str) -> str:
        return self.invitation.partition("/auth/")[0] + path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("production")
    tls, plain, own = (free_port() for _ in range(3))
    env = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")} | {
        "PORTAL_INSTANCE": str(folder / "instance"),
        "PORTAL_PRODUCTION": "1",
        "PORTAL_URL": f"https://localhost:{tls}",
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTAL_TRUSTED_PROXIES": "1",
        "PYTHONPATH": str(TOP),
    }
    command(env, "db", "upgrade")
    command(env, "tenant", "create", "acme", "Acme", "--admin", "ann@acme.example", "Ann")
    member = "--tenant", "acme", "--role", "member", "bob@acme.example", "Bob"
    made = command(env, "user", "invite", *member)
    [invitation] = re.findall(r"https://\S+", made.stdout)
    with _serving(env, own), _nginx(folder, tls=tls, plain=plain, portal=own):
        [database] = (folder / "instance" / "tenants").glob("*.db")
        logs = folder / "error.log", folder / "portal.log"
        yield Site(invitation, plain, *logs, database, folder / "portal.pem")


@contextmanager
def _serving(env: dict[str, str], port: int) -> Iterator[None]:
    words = [sys.executable, "-m", "portal", "serve", "--port", str(port)]
    process = subprocess.Popen(
        words, env=env, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wait_until_ready(Server(process, port))
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def _nginx(folder: Path, **ports: int) -> Iterator[None]:
    """nginx with the file as it is, but for ports, names and where things lie."""
    _certify(folder / "portal.pem", folder / "portal.key")
    ours = (TOP / "deploy" / "nginx.conf").read_text()
    for theirs, here in {
        "listen 443": f"listen 127.0.0.1:{ports['tls']}",
        "listen 80": f"listen 127.0.0.1:{ports['plain']}",
        "127.0.0.1:8000": f"127.0.0.1:{ports['portal']}",
        "portal.example": "localhost",
        "/etc/ssl/certs": str(folder),
        "/etc/ssl/private": str(folder),
        "/var/log/nginx": str(folder),
    }.items():
        assert theirs in ours
        ours = ours.replace(theirs, here)
    (folder / "portal.conf").write_text(ours)
    places = "".join(f"{name}_temp_path {folder / name};\n" for name in TEMPORARY)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log warn; events {{}}\n"
        f"http {{ access_log off; {places} include {folder}/portal.conf; }}\n"
    )
    process = subprocess.Popen([str(NGINX), "-p", folder, "-c", folder / "nginx.conf"])
    try:
        wait_until_open(process, ports["tls"])
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _certify(certificate: Path, private: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName("acme.localhost")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate.write_bytes(signed.public_bytes(pem))
    private.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def test_one_joins_uploads_and_downloads_and_nothing_lies_on_the_proxys_disk(site, chromium):
    claimed = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    context = chromium.new_context(ignore_https_errors=True, extra_http_headers=claimed)
    page = context.new_page()
    complaints = watch(page)
    join(page, site.invitation, PASSWORD)
    page.goto(site.address("/documents"))
    page.set_input_files("#files", [file := {"name": "large.bin", "mimeType": "", "buffer": LARGE}])
    page.get_by_role("link", name=file["name"], exact=True).click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download").first.click()
    assert begun.value.path().read_bytes() == LARGE
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
    assert site.fetch_slowly(begun.value.url, cookies).endswith(LARGE)
    assert "buffered to a temporary file" not in site.error_log.read_text()
    with ExitStack() as stack:  # one address holds as many downloads as there are threads
        for _ in range(THREADS):
            stack.enter_context(site.asking(begun.value.url, cookies))
        with site.asking(site.address("/healthz")) as connection:
            assert read_all(connection).startswith(b"HTTP/1.1 200")

    assert all(cookie["secure"] for cookie in context.cookies())
    assert complaints == []
    context.close()
    assert site.addresses() == {"127.0.0.1"}
    logged, token = site.access_log.read_text(), site.invitation.rpartition("/")[2]
    assert "POST acme.localhost /auth/invitations/... 302" in logged
    assert token not in logged


def test_who_comes_without_tls_is_sent_to_it(site):
    connection = HTTPConnection("127.0.0.1", site.plain_port)
    connection.request("GET", "/documents", headers={"Host": "acme.localhost"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, "https://acme.localhost/documents")
    connection.close()
