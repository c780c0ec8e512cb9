"""The installation's settings: read from the environment once, typed, the same everywhere.

docs/operators.md lists every one of them; a test compares.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from environs import EnvValidationError, FileAwareEnv, validate

from portal.core import setting_rules as rules
from portal.core.errors import Misconfigured
from portal.core.setting_rules import IN_MEMORY

MIN_SECRET_LENGTH = 32
LOG_FLOOR_DAYS = 400  # PCI DSS 4.0, 10.5.1, wants twelve months
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
    log_floor_days: int = LOG_FLOOR_DAYS
    log_networks: str = ""
    network_labels: Path | None = None
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
        "url": env.str("URL", default="http://localhost:8000", validate=rules.is_address),
        "database_url": env.str("DATABASE_URL", default="", validate=rules.is_database),
        "owner_database_url": env.str("OWNER_DATABASE_URL", default="", validate=rules.is_database),
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
        "breached_passwords": env.path("BREACHED_PASSWORDS", default=None, validate=rules.is_file),
        "attempts_window_minutes": env.int(
            "ATTEMPTS_WINDOW_MINUTES", default=15, validate=positive
        ),
        "requests_per_minute": env.int("REQUESTS_PER_MINUTE", default=60, validate=positive),
        "limits_storage": env.str("LIMITS_STORAGE", default=IN_MEMORY, validate=rules.is_storage),
        "smtp_url": env.str("SMTP_URL", default="", validate=rules.is_mail_server),
        "mail_from": env.str("MAIL_FROM", default="portal@localhost"),
        "max_upload_gib": env.int("MAX_UPLOAD_GIB", default=64, validate=positive),
        "blobs": env.str("BLOBS", default="local", validate=rules.are_stores),
        "s3_endpoint": env.str("S3_ENDPOINT", default="", validate=rules.is_endpoint),
        "s3_region": env.str("S3_REGION", default="", validate=rules.is_region),
        "s3_role_arn": env.str("S3_ROLE_ARN", default="", validate=rules.is_role),
        "keys": env.str("KEYS", default="local", validate=validate.OneOf(KEY_PROVIDERS)),
        "keys_timeout_seconds": env.int(
            "KEYS_TIMEOUT_SECONDS", default=5, validate=validate.Range(1, 30)
        ),
        "kms_region": env.str("KMS_REGION", default="", validate=rules.is_region),
        "kms_endpoint": env.str("KMS_ENDPOINT", default="", validate=rules.is_endpoint),
        "kms_waiting_days": env.int("KMS_WAITING_DAYS", default=30, validate=validate.Range(7, 30)),
        "pkcs11_module": env.path("PKCS11_MODULE", default=None, validate=rules.is_file),
        "pkcs11_token": env.str("PKCS11_TOKEN", default="portal"),
        "pkcs11_pin": env.str("PKCS11_PIN", default=""),
        "vault_url": env.str("VAULT_URL", default="", validate=rules.is_endpoint),
        "vault_ca": env.path("VAULT_CA", default=None, validate=rules.is_file),
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
        "clamd": env.str("CLAMD", default="", validate=rules.is_clamd),
        "log_floor_days": env.int(
            "LOG_FLOOR_DAYS", default=LOG_FLOOR_DAYS, validate=validate.Range(1, 36_500)
        ),
        "log_networks": env.str("LOG_NETWORKS", default="", validate=rules.are_networks),
        "network_labels": env.path("NETWORK_LABELS", default=None, validate=rules.is_file),
        "log_level": env.str("LOG_LEVEL", default="INFO", validate=validate.OneOf(LOG_LEVELS)),
        "threads": env.int("THREADS", default=8, validate=positive),
        "workers": env.int("WORKERS", default=1, validate=positive),
    }


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
