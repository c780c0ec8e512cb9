"""AWS for the tests: moto's server, in a thread of the tests' own process.

Where moto differs from S3, what is put in front of it here does as S3: `If-None-Match` is heeded
where a multipart upload is completed, a part of an upload that has ended is answered by 404, and
credentials by `AssumeRole` reach no further than their session policy says; whoever may not list
the whole bucket is refused what is missing. Of IAM it knows what the portal's policies use, and no
more.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

HOST, REGION = "127.0.0.1", "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/portal"
ACTIONS = {
    ("GET", True): "s3:GetObject",
    ("HEAD", True): "s3:GetObject",
    ("PUT", True): "s3:PutObject",
    ("POST", True): "s3:PutObject",
    ("DELETE", True): "s3:DeleteObject",
    ("GET", False): "s3:ListBucket",
}


@dataclass
class Aws:
    """A running server."""

    port: int = 0
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)  # by access key
    denied: list[str] = field(default_factory=list)
    is_down: bool = False
    refused: str = ""  # the end of the key of an object that nobody gets
    lost: Callable[[dict[str, Any]], bool] | None = None  # whether the answer to this gets lost

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def client(self, service: str = "s3") -> Any:
        """A client that may do everything."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **ANYBODY)

    def create_bucket(self, *, is_locking: bool = False) -> str:
        """A bucket that holds nothing; gives its name."""
        name, where = f"bucket-{secrets.token_hex(6)}", {"LocationConstraint": REGION}
        self.client().create_bucket(
            Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=is_locking
        )
        return name


ANYBODY = {"aws_access_key_id": "AKIATESTS", "aws_secret_access_key": "of-the-tests"}
ENVIRONMENT = {name.upper(): value for name, value in ANYBODY.items()}


@contextmanager
def aws_server() -> Iterator[Aws]:
    """AWS for the block."""
    aws = Aws()
    inner = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        HOST,
        0,
        _Stricter(inner, aws),
        threaded=True,
        request_handler=_Quiet,
    )
    aws.port = server.server_port
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_args: object, **_more: object) -> None:
        pass


class _Stricter:
    def __init__(self, inner: Callable[..., Iterable[bytes]], aws: Aws) -> None:
        self._inner, self._aws = inner, aws

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if failure := self._failure(environ["PATH_INFO"]):
            return _answer(start_response, *failure)
        credential = re.search(
            r"Credential=(\w+)/[^/]*/[^/]*/(\w+)/", environ.get("HTTP_AUTHORIZATION", "")
        )
        key, service = credential.groups() if credential else ("", "")
        if service == "sts":
            return self._assume(environ, start_response)
        if service == "s3" and key in self._aws.policies:
            asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            if not _allows(self._aws.policies[key], environ):
                self._aws.denied.append(asked)
                return _answer(start_response, "403 Forbidden", "AccessDenied")
        if self._is_over_another(environ):
            return _answer(start_response, "412 Precondition Failed", "PreconditionFailed")
        if key in self._aws.policies and _is_of_object(environ):
            return self._read(environ, start_response)
        return self._done(environ, start_response)

    def _done(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._aws.lost and self._aws.lost(environ):
            self._aws.lost = None
            b"".join(self._inner(environ, lambda *_: None))
            return _answer(start_response, "500 Internal Server Error", "InternalError")
        try:
            return self._inner(environ, start_response)
        except KeyError:  # of moto's own table of uploads
            return _answer(start_response, "404 Not Found", "NoSuchUpload")

    def _read(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        told: list[Any] = []
        body = self._inner(environ, lambda *given: told.append(given))
        if told[0][0].startswith("404"):
            return _answer(start_response, "403 Forbidden", "AccessDenied")
        start_response(*told[0])
        return body

    def _failure(self, path: str) -> tuple[str, str] | None:
        if self._aws.is_down:
            return "503 Service Unavailable", "ServiceUnavailable"
        if self._aws.refused and path.endswith(self._aws.refused):
            return "403 Forbidden", "AccessDenied"
        return None

    def _assume(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        answer = b"".join(self._inner(environ, start_response))
        asked = parse_qs(body.decode())
        if found := re.search(rb"<AccessKeyId>(\w+)<", answer):
            policy = asked.get("Policy", ['{"Statement": []}'])[0]
            self._aws.policies[found[1].decode()] = json.loads(policy)
        return [answer]

    def _is_over_another(self, environ: dict[str, Any]) -> bool:
        is_complete = environ["REQUEST_METHOD"] == "POST" and "uploadId=" in environ["QUERY_STRING"]
        if not is_complete or environ.get("HTTP_IF_NONE_MATCH") != "*":
            return False
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        found = self._aws.client().list_objects_v2(Bucket=bucket, Prefix=key)
        return found["KeyCount"] > 0


def _is_of_object(environ: dict[str, Any]) -> bool:
    key = environ["PATH_INFO"].lstrip("/").partition("/")[2]
    is_of_upload = "uploadId=" in environ["QUERY_STRING"]
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") and bool(key) and not is_of_upload


def _allows(policy: dict[str, Any], environ: dict[str, Any]) -> bool:
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    if "delete" in query:
        wanted = [("s3:DeleteObject", f"{bucket}/{key}") for key in _keys_in(environ)]
    else:
        action = _action(environ["REQUEST_METHOD"], bool(key), query)
        wanted = [(action, f"{bucket}/{key}" if key else bucket)]
    return all(_allows_one(policy, action, resource, query) for action, resource in wanted)


def _keys_in(environ: dict[str, Any]) -> list[str]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = BytesIO(body)
    return re.findall(r"<Key>([^<]*)</Key>", body.decode())


def _allows_one(
    policy: dict[str, Any], action: str, resource: str, query: dict[str, list[str]]
) -> bool:
    return any(
        action in ([actions] if isinstance(actions := statement["Action"], str) else actions)
        and fnmatchcase(f"arn:aws:s3:::{resource}", statement["Resource"])
        and _fits(statement.get("Condition", {}), query)
        for statement in policy["Statement"]
    )


def _action(method: str, is_object: bool, query: dict[str, list[str]]) -> str:
    if not is_object and "uploads" in query:
        return "s3:ListBucketMultipartUploads"
    if is_object and "uploadId" in query and method in ("GET", "DELETE"):
        return "s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload"
    return ACTIONS[method, is_object]


def _fits(condition: dict[str, Any], query: dict[str, list[str]]) -> bool:
    wanted = condition.get("StringLike", {}).get("s3:prefix")
    return wanted is None or fnmatchcase(query.get("prefix", [""])[0], wanted)


def _answer(start_response: Any, status: str, code: str) -> Iterable[bytes]:
    body = f"<Error><Code>{code}</Code></Error>".encode()
    start_response(
        status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
    )
    return [body]
