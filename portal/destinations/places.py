"""Where a destination is: what each kind has to know. It lies sealed, as an address may be a secret
by itself.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from portal.destinations.kinds import Kind


class Lock(StrEnum):
    """How an object store keeps others from deleting a checkpoint (S3 Object Lock)."""

    COMPLIANCE = "COMPLIANCE"  # nobody can, until its time is over
    GOVERNANCE = "GOVERNANCE"  # who has a right of its own can


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPlace:
    """People, inside the organisation or not."""

    addresses: tuple[str, ...]

    @property
    def description(self) -> str:
        """Where it is, in a line for people."""
        return ", ".join(self.addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogPlace:
    """A collector that takes RFC 5424 over TCP or TLS; `ca` is whom to trust besides nobody, in
    PEM, "" the machine's.
    """

    host: str
    port: int
    is_tls: bool = True
    ca: str = ""

    @property
    def description(self) -> str:
        """Where it is, in a line for people."""
        return f"{self.host}, port {self.port}, {'TLS' if self.is_tls else 'not encrypted'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPlace:
    """A program that takes POSTs."""

    address: str

    @property
    def description(self) -> str:
        """Where it is, in a line for people."""
        return self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlace:
    """A bucket with Object Lock; "" as the endpoint is AWS."""

    endpoint: str
    region: str
    bucket: str
    prefix: str
    access_key_id: str
    lock: str
    days: int

    @property
    def description(self) -> str:
        """Where it is, in a line for people."""
        where = self.endpoint or f"AWS in {self.region}"
        return f"{self.bucket} at {where}, locked for {self.days} days"


Place = MailPlace | SyslogPlace | WebhookPlace | BucketPlace

PLACES: Mapping[str, type[Place]] = {
    Kind.MAIL: MailPlace,
    Kind.SYSLOG: SyslogPlace,
    Kind.WEBHOOK: WebhookPlace,
    Kind.OBJECT_STORE: BucketPlace,
}


def written(place: Place) -> str:
    """A place as a row keeps it."""
    return json.dumps(asdict(place))


def read(kind: str, text: str) -> Place:
    """The place that `written` wrote."""
    values = json.loads(text)
    if kind == Kind.MAIL:
        values["addresses"] = tuple(values["addresses"])
    return PLACES[kind](**values)
