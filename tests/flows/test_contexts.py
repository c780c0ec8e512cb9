"""A thread that has served one tenant knows nothing of it when it serves the next, however the
request ended.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from flask import has_app_context, has_request_context
from werkzeug.test import EnvironBuilder

from portal.tenancy import binding
from portal.tenancy.binding import bound
from portal.tenancy.session import db
from portal.web.access import declared
from portal.web.documents import transfer
from portal.web.fresh import in_fresh_context
from tests.flows.blobs import opened_blobs
from tests.installation import Installation, Organisation

MEBIBYTE = 2**20


class Gone(BaseException):
    """What no error handler catches: the server ends a worker in the middle of a request."""


class Thread:
    """One worker thread of a server, used over and over again."""

    def __init__(self, portal: Installation) -> None:
        self.portal = portal
        self.pool = ThreadPoolExecutor(1)

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return self.pool.submit(function, *args).result()

    def begin(self, of: Organisation, path: str, **options: Any) -> tuple[str, Any]:
        """Call the application as a server does; gives the status and the body, not yet read."""
        cookie = f"session={of['member'].token}"
        builder = EnvironBuilder(
            path, base_url=f"http://{of.host}:8000", headers={"Cookie": cookie}, **options
        )
        begun: list[str] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
            begun.append(status)

        body = self.run(self.portal.wsgi, builder.get_environ(), start_response)
        return begun[-1], body

    def ask(self, of: Organisation, path: str) -> tuple[str, bytes]:
        """One request to its end."""
        status, body = self.begin(of, path)
        content = self.run(b"".join, body)
        self.run(body.close)
        return status, content

    def left_behind(self) -> list[str]:
        """What is still there of a request."""
        return self.run(traces)


def traces() -> list[str]:
    """What a context holds of a tenant, a request or a session."""
    found = [f"{v.name} is {value!r}" for v, value in copy_context().items() if is_ours(v, value)]
    if binding.find_binding() is not None:
        found.append("a tenant is bound")
    if has_app_context() or has_request_context():
        found.append("Flask's context is still there")
    return found


def is_ours(variable: Any, value: object) -> bool:
    return value is not None and variable.name in (
        "bound_tenant",
        "flask.app_ctx",
        "flask.request_ctx",
    )


@pytest.fixture
def thread(portal) -> Iterator[Thread]:
    thread = Thread(portal)
    assert thread.left_behind() == []
    yield thread
    thread.pool.shutdown()


@pytest.fixture
def is_clean(thread, globex) -> Iterator[Callable[[], bool]]:
    """Nothing is left on the thread, and the other tenant is served next."""

    def check() -> bool:
        assert thread.left_behind() == []
        status, page = thread.ask(globex, "/documents")
        assert status == "200 OK"
        assert b"Member Globex" in page
        assert b"Acme" not in page
        assert thread.left_behind() == []
        return True

    yield check
    for session in [*db.session.registry.registry.values()]:
        session.close()
    db.session.registry.registry.clear()


def held_connections(portal: Installation) -> int:
    with portal.app.app_context():
        return sum(engine.pool.checkedout() for engine in db.engines.values())


def fail_in_view(portal: Installation, monkeypatch: Any, error: BaseException) -> None:
    def index() -> str:
        assert bound().tenant.slug == "acme"
        db.session.connection()
        raise error

    index.declared = declared(portal.app.view_functions["documents.index"])
    monkeypatch.setitem(portal.app.view_functions, "documents.index", index)


def fail_at(portal: Installation, monkeypatch: Any, when: str, error: BaseException) -> None:
    """Have the hooks of a request (before_request, …) fail, those of acme alone."""

    def hook(*args: Any) -> Any:
        found = binding.find_binding()
        if found is not None and found.tenant.slug == "acme":
            db.session.connection()
            raise error
        return args[0] if args else None

    hooks = getattr(portal.app, f"{when}_funcs")
    monkeypatch.setitem(hooks, None, [*hooks[None], hook])


def test_after_a_request_nothing_is_left(thread, acme, is_clean) -> None:
    for path in ("/documents", "/nothing/here", "/members", "/static/portal.css", "/healthz"):
        thread.ask(acme, path)
        assert is_clean()
        assert held_connections(thread.portal) == 0


@pytest.mark.parametrize("error", [RuntimeError("odd"), Gone(), KeyError("missing")], ids=repr)
def test_after_an_exception_in_a_view_nothing_is_left(
    thread, portal, acme, monkeypatch, is_clean, error
) -> None:
    with monkeypatch.context() as patched:
        fail_in_view(portal, patched, error)
        if isinstance(error, Exception):
            assert thread.ask(acme, "/documents")[0].startswith("500")
        else:
            with pytest.raises(Gone):
                thread.ask(acme, "/documents")
    assert is_clean()
    assert held_connections(portal) == 0


@pytest.mark.parametrize("when", ["before_request", "after_request", "teardown_request"])
@pytest.mark.parametrize("error", [RuntimeError("odd"), Gone()], ids=repr)
def test_after_an_exception_around_a_view_nothing_is_left(
    thread, portal, acme, monkeypatch, is_clean, when, error
) -> None:
    with monkeypatch.context() as patched:
        fail_at(portal, patched, when, error)
        if isinstance(error, Exception) and when != "teardown_request":
            assert thread.ask(acme, "/documents")[0].startswith("500")
        else:
            with pytest.raises((Gone, RuntimeError)):
                thread.ask(acme, "/documents")
    assert is_clean()
    if when != "teardown_request":
        assert held_connections(portal) == 0


def test_after_an_exception_in_a_teardown_no_connection_is_held(
    thread, portal, acme, monkeypatch, is_clean
) -> None:
    with monkeypatch.context() as patched:
        fail_at(portal, patched, "teardown_request", RuntimeError("odd"))
        with pytest.raises(RuntimeError):
            thread.ask(acme, "/documents")
    assert is_clean()
    assert held_connections(portal) == 0


def test_a_request_leaves_no_trace_in_the_context_that_called_it(portal, acme) -> None:
    """Even where the application leaves something bound: the context it ran in is thrown away."""

    def careless(environ: Any, start_response: Any) -> list[bytes]:
        binding._bound.set(binding.Binding(acme.record, writes=False))
        assert binding.find_binding() is not None
        return [b""]

    def call() -> list[str]:
        in_fresh_context(careless)({}, None)
        return traces()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(call).result() == []
        assert pool.submit(lambda: careless({}, None) and traces()).result() != []


# Bodies that stream


@pytest.fixture
def large(acme) -> str:
    """The address of a content that is sent in many pieces."""
    sent = acme.visit("member").upload("large.bin", bytes(range(256)) * 4 * 3072)
    return f"{sent.json['address']}/download"


def test_a_download_streams_with_no_tenant_bound(
    thread, acme, large, monkeypatch, is_clean
) -> None:
    inside: list[list[str]] = []
    content = transfer._content

    def watched(download: Any, *args: Any, **kwargs: Any) -> Any:
        response = content(download, *args, **kwargs)
        pieces = iter(response.response)

        def each() -> Iterator[bytes]:
            for piece in pieces:
                inside.append(traces())
                yield piece
                inside.append(traces())

        response.response = each()
        return response

    monkeypatch.setattr(transfer, "_content", watched)
    status, body = thread.begin(acme, large)
    assert status == "200 OK"
    outside, size = [], 0
    pieces = iter(body)
    while piece := thread.run(next, pieces, b""):
        size += len(piece)
        outside.append(thread.left_behind())
    thread.run(body.close)
    assert size == 3 * MEBIBYTE
    assert len(outside) == 3
    assert [found for found in outside + inside if found] == []
    assert is_clean()


def test_another_tenant_is_served_in_the_middle_of_a_download(
    thread, acme, large, is_clean
) -> None:
    """As an asynchronous worker, or a slow reader, would have it."""
    with opened_blobs() as blobs:
        _, body = thread.begin(acme, large)
        pieces = iter(body)
        got = thread.run(next, pieces)
        assert is_clean()
        got += thread.run(lambda: b"".join(pieces))
        thread.run(body.close)
        assert len(got) == 3 * MEBIBYTE
        assert [blob.closed for blob in blobs] == [True]


@pytest.mark.parametrize("read", [0, 1, 3])
def test_when_the_client_goes_away_the_blob_is_closed(thread, acme, large, is_clean, read) -> None:
    with opened_blobs() as blobs:
        _, body = thread.begin(acme, large)
        assert held_connections(thread.portal) == 0, "a slow reader holds no connection"
        pieces = iter(body)
        for _ in range(read):
            assert thread.run(next, pieces)
        assert [blob.closed for blob in blobs] == [False]
        thread.run(body.close)
        assert [blob.closed for blob in blobs] == [True]
    assert is_clean()


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (206, {"Range": "bytes=5-9"}),
        (416, {"Range": "bytes=999999999-"}),
        (304, {"If-None-Match": "*"}),
    ],
)
def test_whatever_a_download_answers_the_blob_is_closed(acme, large, status, headers) -> None:
    for method in ("GET", "HEAD"):
        with opened_blobs() as blobs:
            answer = acme.visit("member").open(large, method, headers=headers)
            assert answer.status_code == status
            assert blobs
            assert all(blob.closed for blob in blobs)


def test_a_download_that_is_damaged_from_the_start_closes_its_blob(portal, acme) -> None:
    made = acme.visit("member").upload("short.txt", b"to be damaged").json["id"]
    [row] = [r for r in portal.rows("document_version") if str(r["document_id"]) == made]
    path = portal.blob_path(row)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with opened_blobs() as blobs:
        assert acme.visit("member").get(f"/documents/{made}/download").status_code >= 500
        assert [blob.closed for blob in blobs] == [True]
