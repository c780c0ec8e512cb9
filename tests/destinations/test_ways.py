"""What arrives by each way, and what is seen where it does not."""

import hmac
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from re import findall

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from portal.audit.tlog.notes import parse_note
from portal.audit.tlog.tiles import count_leaves
from tests.conftest import on_sqlite
from tests.destinations.setting_up import NOTHING, made, press, row_of, started, visit
from tests.harness.aws import REGION
from tests.harness.collectors import HOST, collector
from tests.harness.ports import free_port
from tests.harness.smtp import mail_sink

pytestmark = on_sqlite
EACH = NOTHING | {"rhythm": "each"}


def test_a_webhook_gets_each_checkpoint_once_signed_over_its_time_and_body(acme, webhook) -> None:
    fields = {"name": "SIEM", "address": webhook.address, **EACH}
    page = acme.visit("officer").post("/audit/destinations/new/webhook", fields).text
    [secret] = findall(r"whsec_[\w+/=]{44}", page)
    [row] = [row for row in acme.portal.rows("log_destination") if row["name"] == "SIEM"]
    visit(acme)
    assert webhook.got == []  # it is not started
    press(acme, row["id"], "start")
    visit(acme)
    feeding_again = len(webhook.got)
    visit(acme)
    assert (feeding_again, len(webhook.got)) == (1, 1)  # the log has not grown
    [(headers, body)] = webhook.got
    told = json.loads(body)
    note = parse_note(told["note"])
    assert (note.checkpoint.size, note.checkpoint.root.hex()) == (told["size"], told["root"])
    assert headers["portal-event"] == told["event"] == "checkpoint"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = b64decode(secret.removeprefix("whsec_"))
    expected = b64encode(hmac.new(key, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert row_of(acme, row["id"])["anchored_size"] == told["size"]
    page = acme.visit("officer").get(f"/audit/destinations/{row['id']}").text
    assert f"Of {told['size']} entries" in page
    assert secret not in page
    assert secret not in str(acme.portal.dump())


@pytest.mark.parametrize(
    ("status", "said"),
    [(302, "which is not followed"), (500, "It answered: 500")],
)
def test_what_a_webhook_does_not_take_is_shown_and_recorded_once(
    acme, webhook, clock, status, said
) -> None:
    webhook.status, webhook.said = status, b"<b>no room</b>"
    id_ = started(acme, "webhook", address=webhook.address, **EACH)
    for _ in range(3):
        visit(acme)
        clock.advance(minutes=4)
    row = row_of(acme, id_)
    assert said in row["failure"]
    assert row["anchored_at"] is None
    told = [entry for entry in acme.log() if entry["action"] == "destination.failed"]
    assert [entry["detail"]["what"] for entry in told] == ["checkpoint"]
    assert "Does not take it" in acme.visit("officer").get("/audit/destinations").text
    tried = press(acme, id_, "test").text
    assert "The test was not taken" in tried
    assert said in tried
    assert ("&lt;b&gt;no room" in tried) == (status == 500)
    webhook.status = 204
    clock.advance(hours=1)
    visit(acme)
    assert row_of(acme, id_)["anchored_size"] == json.loads(webhook.got[-1][1])["size"]


def test_a_mail_has_the_checkpoint_letter_by_letter_once_an_hour(portal, acme, clock) -> None:
    started(acme, "mail", addresses="a@auditor.example\nb@auditor.example", rhythm="hourly")
    visit(acme)
    with mail_sink() as sink:
        portal.use(smtp_url=f"smtp://{sink.host}:{sink.port}")
        clock.advance(minutes=4)
        visit(acme)
        acme.visit("officer").get("/audit")
        visit(acme)
        assert len(sink.mails) == 1
        clock.advance(minutes=61)
        visit(acme)
    first, second = sink.mails
    assert first.recipients == ["a@auditor.example", "b@auditor.example"]
    files = [next(mail.message.iter_attachments()).get_content() for mail in sink.mails]
    notes = [file.decode() for file in files]
    sizes = [parse_note(note).checkpoint.size for note in notes]
    assert sizes[0] < sizes[1]
    assert notes[0] in first.text.replace("\r\n", "\n")
    assert first.message["Message-ID"] != second.message["Message-ID"]


def test_a_collector_gets_messages_by_their_lengths(acme) -> None:
    with collector() as found:
        fields = {"host": HOST, "port": found.port, **EACH}
        id_ = started(acme, "syslog", **fields)
        assert "It took the bytes." in press(acme, id_, "test").text
        visit(acme)
    test, checkpoint = map(parsed, found.messages)
    assert test[:2] == ("<110>1", "test")
    assert checkpoint[:2] == ("<109>1", "checkpoint")
    assert json.loads(checkpoint[2])["size"] == row_of(acme, id_)["anchored_size"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine that no authority has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("collector") / "certificate.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


def test_by_tls_the_collector_has_to_be_who_it_should(acme, certificate) -> None:
    pem = certificate.read_text().partition("-----BEGIN PRIVATE KEY")[0]
    with collector(certificate) as found:
        fields = {"host": HOST, "port": found.port, "is_tls": "y", **EACH}
        known = started(acme, "syslog", ca=pem, **fields)
        stranger = made(acme, "syslog", **fields | {"name": "Whoever answers"})
        assert "certificate is not trusted" in press(acme, stranger, "test").text
        visit(acme)
        assert "by TLSv1.3" in press(acme, known, "test").text
    assert [parsed(message)[1] for message in found.messages] == ["checkpoint", "test"]
    nobody = made(acme, "syslog", **fields | {"name": "Nobody", "port": free_port()})
    assert "It did not answer" in press(acme, nobody, "test").text


def test_a_checkpoint_in_a_bucket_is_locked_and_never_written_over(acme, aws, clock) -> None:
    clock.go_to(datetime.now(UTC))  # S3 looks at the time of what is signed
    acme.portal.renew_sessions()
    name = aws.create_bucket(is_locking=True)
    fields = {
        "bucket": name, "prefix": "log", "region": REGION, "endpoint": aws.endpoint,
        "access_key_id": "AKIATESTS", "secret": "of-the-bucket", "lock": "COMPLIANCE",
        "days": "30", "rhythm": "each",
    }  # fmt: skip
    id_ = started(acme, "object-store", **fields)
    assert "The bucket locks objects." in press(acme, id_, "test").text
    visit(acme)
    row = row_of(acme, id_)
    key = f"log/{acme.id}/1/{row['anchored_size']:020}.note"
    held = aws.client().get_object(Bucket=name, Key=key)
    assert parse_note(held["Body"].read().decode()).checkpoint.size == row["anchored_size"]
    assert held["ObjectLockMode"] == "COMPLIANCE"
    days = (held["ObjectLockRetainUntilDate"] - datetime.now(UTC)).total_seconds() / 86_400
    assert 29.9 < days <= 30
    acme.portal.execute("UPDATE log_destination SET anchored_size = 0", acme)  # it was not noted
    visit(acme)
    assert row_of(acme, id_)["failure"] is None  # what is there is what it would put
    acme.portal.execute("UPDATE log_destination SET anchored_size = 0", acme)
    with acme.bound():
        taken = count_leaves()
    forged = f"log/{acme.id}/1/{taken:020}.note"
    aws.client().put_object(Bucket=name, Key=forged, Body=b"another")
    visit(acme)
    assert "Another checkpoint of this size" in row_of(acme, id_)["failure"]


def parsed(message: str) -> tuple[str, str, str]:
    """Priority and version, what it is about, and what it says (RFC 5424, 6)."""
    head, at, host, app, process, about, structured, said = message.split(" ", 7)
    assert (host, app, process, structured) == ("acme.localhost", "tenant-portal", "-", "-")
    assert len(at) == len("2026-01-01T00:00:00.000000+00:00")
    return head, about, said
