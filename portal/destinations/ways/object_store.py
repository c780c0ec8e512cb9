"""Checkpoints as objects in an S3 bucket, which keeps them from being deleted for so many days.

`<prefix>/<tenant>/<epoch>/<size>.note`, put only where nothing is yet: of one size there is one
checkpoint for ever. Requests are signed by botocore and sent by the guarded way out, as the address
is a tenant's.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import md5
from importlib.util import find_spec
from urllib.parse import quote

import requests

from portal.audit.tlog.notes import Checkpoint
from portal.auth.sso.fetch import prepare
from portal.core import clock
from portal.core.errors import Misconfigured
from portal.destinations.messages import Message
from portal.destinations.places import BucketPlace
from portal.destinations.taking import NotTaken, require_taken
from portal.evidence.checkpoints import epoch_of
from portal.tenancy.binding import bound_tenant_id

NOT_OVER_ANOTHER = {"If-None-Match": "*"}
NONE: Mapping[str, str] = {}
DEFAULT_REGION = "us-east-1"


def require_installed() -> None:
    """Raises `Misconfigured`."""
    if find_spec("botocore") is None:
        raise Misconfigured("For checkpoints in an object store, install tenant-portal[aws].")


def send(place: BucketPlace, secret: str, message: Message) -> str:
    """Put the checkpoint, locked; a test only asks whether the bucket locks objects at all."""
    bucket = _Bucket(place, secret)
    if message.checkpoint is None:
        return _require_locking(bucket)
    key, body = key_of(place.prefix, message.checkpoint), message.note.encode()
    answer = bucket.ask("PUT", f"/{quote(key)}", body, NOT_OVER_ANOTHER | _lock(place, body))
    if answer.status_code == requests.codes.precondition_failed:
        return _compare(bucket.ask("GET", f"/{quote(key)}"), body)
    return require_taken(answer)


def key_of(prefix: str, checkpoint: Checkpoint) -> str:
    """The key of the bound tenant's checkpoint of a size, so that keys sort by size."""
    folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return f"{folder}{bound_tenant_id()}/{epoch_of(checkpoint)}/{checkpoint.size:020}.note"


class _Bucket:
    """A bucket, and by which key it is asked."""

    def __init__(self, place: BucketPlace, secret: str) -> None:
        self._place, self._secret = place, secret
        endpoint = place.endpoint.rstrip("/") or f"https://s3.{place.region}.amazonaws.com"
        self._address = f"{endpoint}/{place.bucket}"

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NONE
    ) -> requests.Response:
        """Send one request to the bucket, or an object in it."""
        address = self._address + path
        with requests.Session() as session:
            prepare(session, takes_json_only=False)
            signed = self._signed(method, address, body, headers)
            return session.request(method, address, data=body, headers=signed)

    def _signed(
        self, method: str, address: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        require_installed()
        from botocore.auth import S3SigV4Auth  # noqa: PLC0415  # an extra
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415  # an extra
        from botocore.credentials import Credentials  # noqa: PLC0415  # an extra

        request = AWSRequest(method, address, headers=dict(headers), data=body)
        known = Credentials(self._place.access_key_id, self._secret)
        S3SigV4Auth(known, "s3", self._place.region or DEFAULT_REGION).add_auth(request)
        return dict(request.headers.items())


def _require_locking(bucket: _Bucket) -> str:
    answer = bucket.ask("GET", "?object-lock=")
    said = require_taken(answer)
    if b"<ObjectLockEnabled>Enabled</ObjectLockEnabled>" not in answer.content:
        raise NotTaken("The bucket does not lock objects.", answer.text)
    return f"{said}. The bucket locks objects."


def _compare(there: requests.Response, body: bytes) -> str:
    """What is there already is what an earlier try has put, unless it is something else.

    Where reading is not allowed it can't be told, and is taken for ours.
    """
    if there.ok and there.content != body:
        raise NotTaken("Another checkpoint of this size is there already. Keep both, and ask why.")
    return "It was there already."


def _lock(place: BucketPlace, body: bytes) -> dict[str, str]:
    """S3 wants a digest of what it is to lock, and MD5 is the one that every store knows."""
    until = clock.now() + timedelta(days=place.days)
    digest = md5(body, usedforsecurity=False).digest()
    return {
        "Content-MD5": b64encode(digest).decode("ascii"),
        "Content-Type": "text/plain; charset=utf-8",
        "x-amz-object-lock-mode": place.lock,
        "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
