"""Who asks S3: a client for each tenant, whose credentials reach that tenant's objects alone.

With a role, STS hands out its rights narrowed by a session policy to the tenant's prefix. Which
tenant that is, is told by what is bound and by no caller: code that asks for another tenant's
object is refused by S3 itself. Without a role everybody gets the process's own credentials.
"""

import json
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from portal.core import clock
from portal.core.errors import Misconfigured
from portal.storage.blobs import BlobExists, BlobMissing, StoreUnavailable
from portal.tenancy.binding import bound_tenant_id

if TYPE_CHECKING:
    from boto3.session import Session

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 10, 2
LIFETIME = timedelta(hours=1)  # the longest that chained roles allow
RENEWED_BEFORE = timedelta(minutes=10)
KEPT_TENANTS = 128
MISSING = frozenset({"404", "NoSuchKey", "NoSuchUpload"})
EXISTS = frozenset({"412", "PreconditionFailed"})
DENIED = frozenset({"403", "AccessDenied"})

log = structlog.get_logger()


class AccessRefused(StoreUnavailable):
    """The store refuses the portal itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in S3: a bucket, what all keys begin with, and the role that credentials come from."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    role_arn: str = ""

    def of_tenant(self, tenant_id: UUID) -> str:
        """What the keys of a tenant begin with, and no other's."""
        if not isinstance(tenant_id, UUID):
            raise TypeError("a key is made of UUIDs only")
        return f"{self.prefix}/{tenant_id}/" if self.prefix else f"{tenant_id}/"


class Access:
    """One tenant's way to S3. It renews itself, so that a long transfer may keep it."""

    def __init__(self, place: Place, tenant_id: UUID) -> None:
        self._place, self._tenant_id = place, tenant_id
        self._lock = Lock()
        self._client: Any = None
        self._good_until: datetime | None = None

    def client(self) -> Any:
        """A client that will do for some minutes. Raises `StoreUnavailable`."""
        with self._lock:
            if self._client is None or self._is_ending():
                self._client = self._renewed()
            return self._client

    def _is_ending(self) -> bool:
        return self._good_until is not None and clock.now() > self._good_until - RENEWED_BEFORE

    def _renewed(self) -> Any:
        place = self._place
        if not place.role_arn:
            return _client("s3", place)
        with store_errors():
            answer = _client("sts", place).assume_role(
                RoleArn=place.role_arn,
                RoleSessionName=f"portal-{self._tenant_id}",
                DurationSeconds=int(LIFETIME.total_seconds()),
                Policy=session_policy(place, self._tenant_id),
            )
        given = answer["Credentials"]
        self._good_until = given["Expiration"]
        return _client(
            "s3",
            place,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )


class Accesses:
    """The ways of the tenants that were here last."""

    def __init__(self, place: Place) -> None:
        if find_spec("boto3") is None:
            raise Misconfigured("For contents in S3, install tenant-portal[aws].")
        self._place = place
        self._lock = Lock()
        self._kept: OrderedDict[UUID, Access] = OrderedDict()

    def of_bound_tenant(self) -> Access:
        """The bound tenant's. Raises `NoTenantBound`."""
        tenant_id = bound_tenant_id()
        with self._lock:
            access = self._kept.setdefault(tenant_id, Access(self._place, tenant_id))
            self._kept.move_to_end(tenant_id)
            if len(self._kept) > KEPT_TENANTS:
                self._kept.popitem(last=False)
            return access


def session_policy(place: Place, tenant_id: UUID) -> str:
    """What is left of the role's rights: a tenant's objects, and lists of them.

    For lists of unfinished uploads IAM knows no condition on the prefix: they tell ids.
    """
    partition = place.role_arn.split(":")[1]
    bucket = f"arn:{partition}:s3:::{place.bucket}"
    prefix = f"{place.of_tenant(tenant_id)}*"
    objects = ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
    statements = [
        {
            "Effect": "Allow",
            "Action": [f"s3:{name}" for name in (*objects, "ListMultipartUploadParts")],
            "Resource": f"{bucket}/{prefix}",
        },
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": prefix}},
        },
        {"Effect": "Allow", "Action": "s3:ListBucketMultipartUploads", "Resource": bucket},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@contextmanager
def object_errors(access: Access, bucket: str, key: str) -> Iterator[None]:
    """`store_errors` of who asks for an object.

    Whoever may not list the whole bucket can be refused what is missing, so as not to learn that it
    is. A list of that one key, which a session policy allows, tells which it was.
    """
    try:
        with store_errors(refusal_is_told=False):
            yield
    except AccessRefused:
        with store_errors():
            listed = access.client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        if not listed["KeyCount"]:
            raise BlobMissing from None
        log.warning("object store refused an object that is there")
        raise


@contextmanager
def store_errors(*, refusal_is_told: bool = True) -> Iterator[None]:
    """Turn what S3 and STS answer, or don't, into the errors of a store. What is wrong with the
    store is told in the process log; a refusal not where it may be none.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # an extra
    from urllib3.exceptions import HTTPError  # noqa: PLC0415  # botocore lets some of them through

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in MISSING:
            raise BlobMissing from None
        if code in EXISTS:
            raise BlobExists from None
        if refusal_is_told or code not in DENIED:
            log.warning("object store refused", code=code)
        raise (AccessRefused if code in DENIED else StoreUnavailable) from None
    except (BotoCoreError, HTTPError) as error:
        log.warning("object store does not answer", error=type(error).__name__)
        raise StoreUnavailable from None


_making = Lock()  # boto3's sessions are not made for threads, clients are


@cache
def _session() -> "Session":
    """One for all clients: it holds the descriptions of the services, which are large."""
    from boto3.session import Session  # noqa: PLC0415  # an extra

    return Session()


def _client(service: str, place: Place, **credentials: str) -> Any:
    from botocore.config import Config  # noqa: PLC0415  # an extra

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        max_pool_connections=50,
        s3={"addressing_style": "path" if place.endpoint else "auto"},
    )
    with _making, store_errors():
        return _session().client(
            service,
            region_name=place.region or None,
            endpoint_url=place.endpoint or None,
            config=config,
            **credentials,
        )
