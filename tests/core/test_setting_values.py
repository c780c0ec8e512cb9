"""What a setting may be, and what is said when it is not."""

import dataclasses
import os
from pathlib import Path

import pytest

from portal.core import settings
from portal.core.errors import Misconfigured
from portal.core.settings import Settings

FIELDS = [field.name for field in dataclasses.fields(Settings)]

# By field: a value that is right, as it is written and as it is read.
RIGHT = {
    "instance": ("/srv/portal", "/srv/portal"),
    "url": ("https://portal.example:8443", "https://portal.example:8443"),
    "database_url": ("postgresql+psycopg://portal:x@db/portal", None),
    "owner_database_url": ("sqlite:////srv/control.db", None),
    "secret_key": ("s3cret", None),
    "production": ("yes", True),
    "demo": ("1", True),
    "debug": ("true", True),
    "trusted_proxies": ("2", 2),
    "session_idle_minutes": ("5", 5),
    "session_absolute_hours": ("1", 1),
    "mfa_for_everybody": ("on", True),
    "mfa_max_grace_days": ("0", 0),
    "password_min_length": ("12", 12),
    "password_time_cost": ("3", 3),
    "password_memory_kib": ("8", 8),
    "breached_passwords": (__file__, Path(__file__)),
    "attempts_window_minutes": ("1", 1),
    "requests_per_minute": ("7", 7),
    "limits_storage": ("valkeys://us%40er:pass@cache:6379/0", None),
    "smtp_url": ("smtps://us%40er:pass%2Fword@mail.example:465", None),
    "mail_from": ("portal@acme.example", None),
    "max_upload_gib": ("1", 1),
    "blobs": ("s3://contents/portal/blobs local", None),
    "s3_endpoint": ("https://objects.example:9000", None),
    "s3_region": ("eu-central-1", None),
    "s3_role_arn": ("arn:aws:iam::123456789012:role/portal", None),
    "keys": ("pkcs11", None),
    "keys_timeout_seconds": ("2", 2),
    "kms_region": ("eu-central-1", None),
    "kms_endpoint": ("https://kms.example", None),
    "kms_waiting_days": ("7", 7),
    "pkcs11_module": (__file__, Path(__file__)),
    "pkcs11_token": ("tenants", None),
    "pkcs11_pin": ("1234", None),
    "vault_url": ("https://vault.example:8200", None),
    "vault_ca": (__file__, Path(__file__)),
    "vault_mount": ("tenants", None),
    "vault_token": ("hvs.x", None),
    "vault_role_id": ("role", None),
    "vault_secret_id": ("s3cret", None),
    "verify_mib_per_second": ("20", 20),
    "verify_every_days": ("0", 0),
    "max_tenant_gib": ("0", 0),
    "key_rotation_days": ("90", 90),
    "closing_days": ("30", 30),
    "clamd": ("[::1]:3310", None),
    "network_labels": (__file__, Path(__file__)),
    "log_networks": ("10.2.0.0/16 fd00:1::/32", None),
    "log_floor_days": ("730", 730),
    "log_level": ("DEBUG", None),
    "threads": ("16", 16),
    "workers": ("4", 4),
}

ANY_TEXT = {
    "instance",
    "secret_key",
    "mail_from",
    "pkcs11_token",
    "pkcs11_pin",
    "vault_mount",
    "vault_token",
    "vault_role_id",
    "vault_secret_id",
}

WRONG = {
    "url": [
        "", "portal.example", "//portal.example", "ftp://portal.example", "https://", "https://x/path",
        "https://x?y", "https://x#y", "https://x:99999", "https://x:", "https://x:y", "http://[::1",
        "https://user:geheim@x",
    ],
    "database_url": [
        "geheim", "mysql://u:geheim@h/d", "postgresql://u:geheim@h:port/d", "/a/file.db"
    ],
    "owner_database_url": ["geheim", "oracle://u:geheim@h/d"],
    "max_tenant_gib": ["-1", "lots"],
    "log_networks": ["10.2.0.0/8", "collector.example", "10.2.0.0/16, 10.3.0.0/16"],
    "network_labels": ["/nowhere/at/all", "."],
    "clamd": ["localhost", ":3310", "localhost:0", "localhost:99999", "localhost:x"],
    "production": ["maybe", "2"],
    "demo": ["maybe"],
    "debug": ["maybe"],
    "trusted_proxies": ["-1", "6", "all"],
    "session_idle_minutes": ["0", "-5", "1.5", "an hour"],
    "session_absolute_hours": ["0"],
    "mfa_for_everybody": ["maybe"],
    "mfa_max_grace_days": ["-1", "91", "a week"],
    "password_min_length": ["7", "65", "long"],
    "password_time_cost": ["0"],
    "breached_passwords": ["/nowhere/at/all", "."],
    "password_memory_kib": ["7", ""],
    "attempts_window_minutes": ["0"],
    "requests_per_minute": ["0"],
    "limits_storage": [
        "", "cache", "file:///tmp/x", "http://cache", "valkey://", "valkey://h/x", "redis://h"
    ],
    "smtp_url": ["mail.example", "http://mail.example", "smtp://", "smtp://u:geheim@h:port", "smtp://h/x"],
    "max_upload_gib": ["0"],
    "blobs": ["", "files", "s3://", "s3://Contents", "s3://contents/", "s3://c/../x"],
    "s3_endpoint": ["objects.example", "https://u:geheim@objects.example", "https://x/path"],
    "s3_region": ["Frankfurt am Main"],
    "s3_role_arn": ["portal", "arn:aws:s3:::contents"],
    "keys": ["", "aws", "Local"],
    "keys_timeout_seconds": ["0", "31", "soon"],
    "kms_endpoint": ["kms.example", "https://user:geheim@kms.example", "https://kms/x"],
    "kms_region": ["Frankfurt am Main"],
    "kms_waiting_days": ["6", "31"],
    "pkcs11_module": ["/nowhere/at/all.so", "."],
    "vault_url": ["vault.example", "https://user:geheim@vault", "https://vault/v1"],
    "vault_ca": ["/nowhere/at/all.pem"],
    "verify_mib_per_second": ["0", "fast"],
    "verify_every_days": ["-1", "often"],
    "key_rotation_days": ["-1", "3651", "never"],
    "closing_days": ["0", "6", "366"],
    "log_floor_days": ["0", "36501", "a year"],
    "log_level": ["debug", "LOUD"],
    "threads": ["0", "many"],
    "workers": ["0"],
}  # fmt: skip


def variable(field: str) -> str:
    return f"PORTAL_{field.upper()}"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)


def test_every_setting_is_tried_here() -> None:
    assert sorted(RIGHT) == sorted(FIELDS)
    assert set(FIELDS) - set(WRONG) == ANY_TEXT


@pytest.mark.parametrize("field", FIELDS)
def test_a_setting_is_read_from_its_variable_or_from_a_file(field, monkeypatch, tmp_path) -> None:
    written, read = RIGHT[field]
    monkeypatch.setenv(variable(field), written)
    value = getattr(settings.load(), field)
    assert (str(value) if field == "instance" else value) == (written if read is None else read)
    monkeypatch.delenv(variable(field))
    (tmp_path / "value").write_text(f"{written}\n")
    monkeypatch.setenv(f"{variable(field)}_FILE", str(tmp_path / "value"))
    assert getattr(settings.load(), field) == value


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_told_in_one_clear_line(field, value, monkeypatch) -> None:
    monkeypatch.setenv(variable(field), value)
    if (field, value) == ("url", "https://x:"):
        assert settings.load().address_of("acme.x") == "https://acme.x"
        return
    with pytest.raises(Misconfigured) as refused:
        settings.load()
    said = str(refused.value)
    assert said.startswith(f"{variable(field)}: ")
    assert "\n" not in said
    assert 15 < len(said.removeprefix(f"{variable(field)}: ")) < 150
    assert "geheim" not in said, "the value may hold a password"
    assert not set("{}[]") & set(said), "that is how programs talk to each other"


def test_all_that_is_wrong_is_told_at_once(monkeypatch) -> None:
    for field in ("threads", "workers", "url"):
        monkeypatch.setenv(variable(field), "0")
    with pytest.raises(Misconfigured) as refused:
        settings.load()
    assert [part.partition(":")[0] for part in str(refused.value).split("; ")] == [
        "PORTAL_URL",
        "PORTAL_THREADS",
        "PORTAL_WORKERS",
    ]


def test_a_file_that_can_not_be_read_is_named(monkeypatch, tmp_path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        monkeypatch.setenv("PORTAL_SECRET_KEY_FILE", str(path))
        with pytest.raises(Misconfigured, match="PORTAL_SECRET_KEY_FILE"):
            settings.load()


def test_a_driver_that_is_not_installed_is_told_with_its_mend(monkeypatch) -> None:
    monkeypatch.setenv("PORTAL_DATABASE_URL", "postgresql+pg8000://u:geheim@h/d")
    with pytest.raises(Misconfigured, match=r"tenant-portal\[postgresql\]"):
        settings.load()


def test_empty_means_not_set_where_the_default_is_nothing(monkeypatch) -> None:
    for field in ("database_url", "owner_database_url", "secret_key", "smtp_url"):
        monkeypatch.setenv(variable(field), "")
    loaded = settings.load()
    assert (
        loaded.owner_database_url
        == loaded.database_url
        == f"sqlite:///{loaded.instance}/control.db"
    )
    assert (loaded.secret_key, loaded.smtp_url) == ("", "")


@pytest.mark.parametrize(
    ("secret", "is_weak"),
    [
        ("", True),
        ("a" * 64, True),
        ("abcabc" * 10, True),
        ("0123456789abcdef0123456789abcde", True),
        ("0123456789abcdef0123456789abcdef", False),
    ],
)
def test_what_a_weak_secret_is(secret, is_weak) -> None:
    chosen = dataclasses.replace(
        settings.load(), url="https://x", production=True, secret_key=secret
    )
    if is_weak:
        with pytest.raises(Misconfigured, match="PORTAL_SECRET_KEY") as refused:
            settings.check_production(chosen)
        assert not secret or secret not in str(refused.value)
    else:
        settings.check_production(chosen)


@pytest.mark.parametrize("field", ["vault_url", "kms_endpoint"])
@pytest.mark.parametrize(
    ("address", "is_clear"),
    [
        ("http://keys.example:8200", True),
        ("http://127.0.0.1.example", True),
        ("https://keys.example:8200", False),
        ("http://localhost:8200", False),
        ("http://[::1]:8200", False),
        ("", False),
    ],
)
def test_seeds_dont_travel_in_clear(field, address, is_clear) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    chosen = dataclasses.replace(
        settings.load(), url="https://x", production=True, secret_key=secret, **{field: address}
    )
    if is_clear:
        with pytest.raises(Misconfigured, match=f"{variable(field)} is not https"):
            settings.check_production(chosen)
    else:
        settings.check_production(chosen)
