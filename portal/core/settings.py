"""The installation's settings: read from the environment once, typed, the same everywhere.

docs/operators.md lists every one of them; a test compares.
"""

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from environs import EnvValidationError, FileAwareEnv, ValidationError, validate
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from portal.core.errors import Misconfigured

MIN_SECRET_LENGTH = 32
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*")
_REGION = re.compile(r"[a-z0-9-]*")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+")
_DATABASE_NUMBER = re.compile(r"/\d+\Z")
IN_MEMORY = "memory://"
KEY_PROVIDERS = ("local", "aws-kms", "pkcs11", "vault")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Durations and sizes carry their unit in the name."""

    instance: Path
    url: str
    database_url: str
    owner_database_url: str
    secret_key: str
    production: bool = False
    demo: bool = False
    debug: bool = False
    trusted_proxies: int = 0
    session_idle_minutes: int = 60
    session_absolute_hours: int = 12
    mfa_for_everybody: bool = False
    mfa_max_grace_days: int = 30
    password_min_length: int = 8
    password_time_cost: int = 2
    password_memory_kib: int = 19456
    breached_passwords: Path | None = None
    attempts_window_minutes: int = 15
    requests_per_minute: int = 60
    limits_storage: str = IN_MEMORY
    smtp_url: str = ""
    mail_from: str = "portal@localhost"
    max_upload_gib: int = 64
    blobs: str = "local"
    s3_endpoint: str = ""
    s3_region: str = ""
    s3_role_arn: str = ""
    keys: str = "local"
    keys_timeout_seconds: float = 5
    kms_region: str = ""
    kms_endpoint: str = ""
    kms_waiting_days: int = 30
    pkcs11_module: Path | None = None
    pkcs11_token: str = "portal"
    pkcs11_pin: str = field(default="", repr=False)
    vault_url: str = ""
    vault_ca: Path | None = None
    vault_mount: str = "transit"
    vault_token: str = field(default="", repr=False)
    vault_role_id: str = ""
    vault_secret_id: str = field(default="", repr=False)
    key_rotation_days: int = 0
    closing_days: int = 14
    verify_mib_per_second: int = 8
    verify_every_days: int = 30
    max_tenant_gib: int = 0
    clamd: str = ""
    log_level: str = "INFO"
    threads: int = 8
    workers: int = 1

    @property
    def is_secure(self) -> bool:
        """Whether the portal is reached by HTTPS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def apex(self) -> str:
        """The host name that belongs to no tenant."""
        return urlsplit(self.url).hostname or ""

    def address_of(self, host: str) -> str:
        """The address of a tenant's host: scheme and port are the installation's.

        Browsers leave out a scheme's own port, and so does this: it is compared with origins.
        """
        parts = urlsplit(self.url)
        is_implied = parts.port in (None, 443 if self.is_secure else 80)
        return f"{parts.scheme}://{host}" + ("" if is_implied else f":{parts.port}")


def load() -> Settings:
    """Read the settings from the environment.

    Any of them may be given as NAME_FILE, the path of a file that holds the value. Raises
    `Misconfigured` naming the variable that is wrong.
    """
    env = FileAwareEnv(prefix="PORTAL_", eager=False, strip_whitespace=True)
    try:
        values = _read(env)
        env.seal()
    except EnvValidationError as error:
        told = cast("dict[str, list[str]]", error.error_messages)  # no values: some are secret
        faults = (f"{name}: {' '.join(messages)}" for name, messages in told.items())
        raise Misconfigured("; ".join(faults)) from None
    except ValueError as error:  # a NAME_FILE that can't be read
        raise Misconfigured(str(error)) from error
    instance = values["instance"] = Path(values["instance"]).absolute()
    values["database_url"] = values["database_url"] or f"sqlite:///{instance / 'control.db'}"
    values["owner_database_url"] = values["owner_database_url"] or values["database_url"]
    return Settings(**values)


def _read(env: FileAwareEnv) -> dict[str, Any]:
    positive = validate.Range(min=1)
    return {
        "instance": env.path("INSTANCE", default=Path("instance")),
        "url": env.str("URL", default="http://localhost:8000", validate=_is_address),
        "database_url": env.str("DATABASE_URL", default="", validate=_is_database),
        "owner_database_url": env.str("OWNER_DATABASE_URL", default="", validate=_is_database),
        "secret_key": env.str("SECRET_KEY", default=""),
        "production": env.bool("PRODUCTION", default=False),
        "demo": env.bool("DEMO", default=False),
        "debug": env.bool("DEBUG", default=False),
        "trusted_proxies": env.int("TRUSTED_PROXIES", default=0, validate=validate.Range(0, 5)),
        "session_idle_minutes": env.int("SESSION_IDLE_MINUTES", default=60, validate=positive),
        "session_absolute_hours": env.int("SESSION_ABSOLUTE_HOURS", default=12, validate=positive),
        "mfa_for_everybody": env.bool("MFA_FOR_EVERYBODY", default=False),
        "mfa_max_grace_days": env.int(
            "MFA_MAX_GRACE_DAYS", default=30, validate=validate.Range(0, 90)
        ),
        "password_min_length": env.int(
            "PASSWORD_MIN_LENGTH", default=8, validate=validate.Range(8, 64)
        ),
        "password_time_cost": env.int("PASSWORD_TIME_COST", default=2, validate=positive),
        "password_memory_kib": env.int(
            "PASSWORD_MEMORY_KIB", default=19456, validate=validate.Range(min=8)
        ),
        "breached_passwords": env.path("BREACHED_PASSWORDS", default=None, validate=_is_file),
        "attempts_window_minutes": env.int(
            "ATTEMPTS_WINDOW_MINUTES", default=15, validate=positive
        ),
        "requests_per_minute": env.int("REQUESTS_PER_MINUTE", default=60, validate=positive),
        "limits_storage": env.str("LIMITS_STORAGE", default=IN_MEMORY, validate=_is_storage),
        "smtp_url": env.str("SMTP_URL", default="", validate=_is_mail_server),
        "mail_from": env.str("MAIL_FROM", default="portal@localhost"),
        "max_upload_gib": env.int("MAX_UPLOAD_GIB", default=64, validate=positive),
        "blobs": env.str("BLOBS", default="local", validate=_are_stores),
        "s3_endpoint": env.str("S3_ENDPOINT", default="", validate=_is_endpoint),
        "s3_region": env.str("S3_REGION", default="", validate=_is_region),
        "s3_role_arn": env.str("S3_ROLE_ARN", default="", validate=_is_role),
        "keys": env.str("KEYS", default="local", validate=validate.OneOf(KEY_PROVIDERS)),
        "keys_timeout_seconds": env.int(
            "KEYS_TIMEOUT_SECONDS", default=5, validate=validate.Range(1, 30)
        ),
        "kms_region": env.str("KMS_REGION", default="", validate=_is_region),
        "kms_endpoint": env.str("KMS_ENDPOINT", default="", validate=_is_endpoint),
        "kms_waiting_days": env.int("KMS_WAITING_DAYS", default=30, validate=validate.Range(7, 30)),
        "pkcs11_module": env.path("PKCS11_MODULE", default=None, validate=_is_file),
        "pkcs11_token": env.str("PKCS11_TOKEN", default="portal"),
        "pkcs11_pin": env.str("PKCS11_PIN", default=""),
        "vault_url": env.str("VAULT_URL", default="", validate=_is_endpoint),
        "vault_ca": env.path("VAULT_CA", default=None, validate=_is_file),
        "vault_mount": env.str("VAULT_MOUNT", default="transit"),
        "vault_token": env.str("VAULT_TOKEN", default=""),
        "vault_role_id": env.str("VAULT_ROLE_ID", default=""),
        "vault_secret_id": env.str("VAULT_SECRET_ID", default=""),
        "key_rotation_days": env.int(
            "KEY_ROTATION_DAYS", default=0, validate=validate.Range(0, 3650)
        ),
        "closing_days": env.int("CLOSING_DAYS", default=14, validate=validate.Range(7, 365)),
        "verify_mib_per_second": env.int(
            "VERIFY_MIB_PER_SECOND", default=8, validate=validate.Range(1, 10_000)
        ),
        "verify_every_days": env.int(
            "VERIFY_EVERY_DAYS", default=30, validate=validate.Range(0, 3650)
        ),
        "max_tenant_gib": env.int("MAX_TENANT_GIB", default=0, validate=validate.Range(min=0)),
        "clamd": env.str("CLAMD", default="", validate=_is_clamd),
        "log_level": env.str("LOG_LEVEL", default="INFO", validate=validate.OneOf(LOG_LEVELS)),
        "threads": env.int("THREADS", default=8, validate=positive),
        "workers": env.int("WORKERS", default=1, validate=positive),
    }


def _is_address(value: str) -> None:
    if not _is_url(value, "http", "https") or "@" in value:
        raise ValidationError("must look like https://portal.example or http://localhost:8000")


def _are_stores(value: str) -> None:
    addresses = value.split()
    if not addresses or len(set(addresses)) != len(addresses):
        raise ValidationError("must name one store or several, each once")
    for address in addresses:
        if address != "local" and not _BUCKET.fullmatch(address):
            raise ValidationError("must be made of local and s3://bucket/prefix")


def _is_endpoint(value: str) -> None:
    if value:
        _is_address(value)


def _is_region(value: str) -> None:
    if not _REGION.fullmatch(value):
        raise ValidationError("must look like eu-central-1")


def _is_role(value: str) -> None:
    if value and not _ROLE.fullmatch(value):
        raise ValidationError("must look like arn:aws:iam::123456789012:role/name")


def _is_file(value: Path | None) -> None:
    if value is not None and not value.is_file():
        raise ValidationError("there is no such file")


def _is_mail_server(value: str) -> None:
    if value and not _is_url(value, "smtp", "smtps"):
        raise ValidationError("must look like smtp://localhost or smtps://user:password@host")


def _is_storage(value: str) -> None:
    if value == IN_MEMORY:
        return
    if not _is_url(_DATABASE_NUMBER.sub("", value), "valkey", "valkeys"):
        raise ValidationError("must look like memory:// or valkey://host:6379")
    if find_spec("valkey") is None:
        raise ValidationError("its driver is missing; use tenant-portal[valkey]")


def _is_clamd(value: str) -> None:
    host, _, port = value.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) < 2**16
    if value and not value.startswith("/") and not (host and is_port):
        raise ValidationError("must look like localhost:3310 or /run/clamav/clamd.ctl")


def _is_url(value: str, *schemes: str) -> bool:
    """Whether `value` has one of the schemes, a host, maybe a port, and nothing after it."""
    try:
        parts = urlsplit(value)
        rest = parts.path.strip("/") + parts.query + parts.fragment
        return parts.scheme in schemes and bool(parts.hostname) and not rest and parts.port != 0
    except ValueError:  # of a malformed host or port
        return False


def _is_database(value: str) -> None:
    if not value:
        return
    try:
        is_known = make_url(value).get_backend_name() in ("sqlite", "postgresql")
    except (ArgumentError, ValueError):
        is_known = False
    if not is_known:
        raise ValidationError("must look like postgresql+psycopg://role:password@host/database")
    try:
        make_url(value).get_dialect().import_dbapi()
    except (ArgumentError, ImportError):
        raise ValidationError("its driver is missing; use tenant-portal[postgresql]") from None


def check_production(settings: Settings) -> None:
    """Raises `Misconfigured` with everything that is unsafe, each with its mend."""
    faults = []
    if settings.debug:
        faults.append("PORTAL_DEBUG is on; unset it.")
    if settings.demo:
        faults.append("PORTAL_DEMO shows sample passwords; unset it.")
    if not settings.is_secure:
        faults.append("PORTAL_URL is not https://; put a TLS proxy in front and name its address.")
    faults += [
        f"PORTAL_{name.upper()} is not https://; seeds would travel in clear."
        for name in ("kms_endpoint", "vault_url")
        if _is_clear(getattr(settings, name))
    ]
    if len(settings.secret_key) < MIN_SECRET_LENGTH or len(set(settings.secret_key)) < 10:
        faults.append(
            "PORTAL_SECRET_KEY is missing or weak; "
            'set it to the output of: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    if faults:
        raise Misconfigured("\n".join(faults))


def _is_clear(url: str) -> bool:
    """Whether what is sent there can be read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


_active: Settings | None = None


def use(settings: Settings) -> None:
    """Make these the settings of the process."""
    global _active  # noqa: PLW0603  # a process has one environment, so one set of settings
    _active = settings


def active() -> Settings:
    """The settings of the process."""
    if _active is None:
        raise Misconfigured("The settings have not been read yet.")
    return _active
