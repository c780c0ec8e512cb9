"""The installation's settings: read from the environment once, typed, the same everywhere.

docs/operators.md lists every one of them; a test compares.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, cast, get_args
from urllib.parse import urlsplit

from environs import EnvValidationError, FileAwareEnv, validate

from portal.core import setting_rules as rules
from portal.core.errors import Misconfigured
from portal.core.setting_rules import IN_MEMORY

MIN_SECRET_LENGTH = 32
LOG_FLOOR_DAYS = 400  # PCI DSS 4.0, 10.5.1, wants twelve months
KEY_PROVIDERS = ("local", "aws-kms", "pkcs11", "vault")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
POSITIVE = validate.Range(min=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Durations and sizes carry their unit in the name.

    The field `some_name` is read from PORTAL_SOME_NAME: as its type, held to the rule beside it.
    """

    instance: Path = Path("instance")
    url: Annotated[str, rules.is_address] = "http://localhost:8000"
    database_url: Annotated[str, rules.is_database] = field(default="", repr=False)
    owner_database_url: Annotated[str, rules.is_database] = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    production: bool = False
    demo: bool = False
    debug: bool = False
    trusted_proxies: Annotated[int, validate.Range(0, 5)] = 0
    session_idle_minutes: Annotated[int, POSITIVE] = 60
    session_absolute_hours: Annotated[int, POSITIVE] = 12
    mfa_for_everybody: bool = False
    mfa_max_grace_days: Annotated[int, validate.Range(0, 90)] = 30
    password_min_length: Annotated[int, validate.Range(8, 64)] = 8
    password_time_cost: Annotated[int, POSITIVE] = 2
    password_memory_kib: Annotated[int, validate.Range(min=8)] = 19456
    breached_passwords: Annotated[Path | None, rules.is_file] = None
    attempts_window_minutes: Annotated[int, POSITIVE] = 15
    requests_per_minute: Annotated[int, POSITIVE] = 60
    limits_storage: Annotated[str, rules.is_storage] = field(default=IN_MEMORY, repr=False)
    smtp_url: Annotated[str, rules.is_mail_server] = field(default="", repr=False)
    mail_from: str = "portal@localhost"
    max_upload_gib: Annotated[int, POSITIVE] = 64
    blobs: Annotated[str, rules.are_stores] = "local"
    s3_endpoint: Annotated[str, rules.is_endpoint] = ""
    s3_region: Annotated[str, rules.is_region] = ""
    s3_role_arn: Annotated[str, rules.is_role] = ""
    keys: Annotated[str, validate.OneOf(KEY_PROVIDERS)] = "local"
    keys_timeout_seconds: Annotated[float, validate.Range(1, 30)] = 5
    kms_region: Annotated[str, rules.is_region] = ""
    kms_endpoint: Annotated[str, rules.is_endpoint] = ""
    kms_waiting_days: Annotated[int, validate.Range(7, 30)] = 30
    pkcs11_module: Annotated[Path | None, rules.is_file] = None
    pkcs11_token: str = "portal"
    pkcs11_pin: str = field(default="", repr=False)
    vault_url: Annotated[str, rules.is_endpoint] = ""
    vault_ca: Annotated[Path | None, rules.is_file] = None
    vault_mount: str = "transit"
    vault_token: str = field(default="", repr=False)
    vault_role_id: str = ""
    vault_secret_id: str = field(default="", repr=False)
    key_rotation_days: Annotated[int, validate.Range(0, 3650)] = 0
    closing_days: Annotated[int, validate.Range(7, 365)] = 14
    verify_mib_per_second: Annotated[int, validate.Range(1, 10_000)] = 8
    verify_every_days: Annotated[int, validate.Range(0, 3650)] = 30
    max_tenant_gib: Annotated[int, validate.Range(min=0)] = 0
    clamd: Annotated[str, rules.is_clamd] = ""
    log_floor_days: Annotated[int, validate.Range(1, 36_500)] = LOG_FLOOR_DAYS
    log_networks: Annotated[str, rules.are_networks] = ""
    network_labels: Annotated[Path | None, rules.is_file] = None
    log_level: Annotated[str, validate.OneOf(LOG_LEVELS)] = "INFO"
    threads: Annotated[int, POSITIVE] = 8
    workers: Annotated[int, POSITIVE] = 1

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
        by_name = cast("dict[str, list[str]]", error.error_messages)  # no values: some are secret
        faults = (f"{name}: {' '.join(messages)}" for name, messages in by_name.items())
        raise Misconfigured("; ".join(faults)) from None
    except ValueError as error:  # a NAME_FILE that can't be read
        raise Misconfigured(str(error)) from error
    instance = values["instance"] = Path(values["instance"]).absolute()
    values["database_url"] = values["database_url"] or f"sqlite:///{instance / 'control.db'}"
    values["owner_database_url"] = values["owner_database_url"] or values["database_url"]
    return Settings(**values)


def _read(env: FileAwareEnv) -> dict[str, Any]:
    parsers: dict[Any, Any] = {
        bool: env.bool,
        int: env.int,
        float: env.int,  # given in whole numbers
        str: env.str,
        Path: env.path,
        Path | None: env.path,
    }
    values = {}
    for each in fields(Settings):
        kind, rule = get_args(each.type) or (each.type, None)
        values[each.name] = parsers[kind](each.name.upper(), default=each.default, validate=rule)
    return values


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
