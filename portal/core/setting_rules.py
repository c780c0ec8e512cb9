"""What a setting has to look like. Each rule raises `ValidationError` that says so."""

import re
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from environs import ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*")
_REGION = re.compile(r"[a-z0-9-]*")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+")
_DATABASE_NUMBER = re.compile(r"/\d+\Z")
IN_MEMORY = "memory://"


def is_address(value: str) -> None:
    """An address of HTTP, without credentials."""
    if not _is_url(value, "http", "https") or "@" in value:
        raise ValidationError("must look like https://portal.example or http://localhost:8000")


def are_stores(value: str) -> None:
    """Places for contents, each once."""
    addresses = value.split()
    if not addresses or len(set(addresses)) != len(addresses):
        raise ValidationError("must name one store or several, each once")
    for address in addresses:
        if address != "local" and not _BUCKET.fullmatch(address):
            raise ValidationError("must be made of local and s3://bucket/prefix")


def is_endpoint(value: str) -> None:
    """An address, or nothing."""
    if value:
        is_address(value)


def is_region(value: str) -> None:
    """A region's name."""
    if not _REGION.fullmatch(value):
        raise ValidationError("must look like eu-central-1")


def is_role(value: str) -> None:
    """The name of a role, or nothing."""
    if value and not _ROLE.fullmatch(value):
        raise ValidationError("must look like arn:aws:iam::123456789012:role/name")


def is_file(value: Path | None) -> None:
    """A file that is there."""
    if value is not None and not value.is_file():
        raise ValidationError("there is no such file")


def is_mail_server(value: str) -> None:
    """A mail server, or nothing."""
    if value and not _is_url(value, "smtp", "smtps"):
        raise ValidationError("must look like smtp://localhost or smtps://user:password@host")


def is_storage(value: str) -> None:
    """Where counts are kept."""
    if value == IN_MEMORY:
        return
    if not _is_url(_DATABASE_NUMBER.sub("", value), "valkey", "valkeys"):
        raise ValidationError("must look like memory:// or valkey://host:6379")
    if find_spec("valkey") is None:
        raise ValidationError("its driver is missing; use tenant-portal[valkey]")


def is_clamd(value: str) -> None:
    """A scanner's socket, or nothing."""
    host, _, port = value.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) < 2**16
    if value and not value.startswith("/") and not (host and is_port):
        raise ValidationError("must look like localhost:3310 or /run/clamav/clamd.ctl")


def are_networks(value: str) -> None:
    """Networks, each by its first address and the length of what they share, or nothing."""
    try:
        for text in value.split():
            ip_network(text)
    except ValueError:
        raise ValidationError("must be made of networks like 10.2.0.0/16") from None


def _is_url(value: str, *schemes: str) -> bool:
    """Whether `value` has one of the schemes, a host, maybe a port, and nothing after it."""
    try:
        parts = urlsplit(value)
        rest = parts.path.strip("/") + parts.query + parts.fragment
        return parts.scheme in schemes and bool(parts.hostname) and not rest and parts.port != 0
    except ValueError:  # of a malformed host or port
        return False


def is_database(value: str) -> None:
    """A database whose driver is there, or nothing."""
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
