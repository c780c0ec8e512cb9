"""V15: the tenant of one request is never that of another, on threads that servers use again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Queue

import pytest
from flask import Response, stream_with_context
from werkzeug.test import create_environ

from portal.tenancy.binding import find_binding
from portal.tenancy.errors import NoTenantBound
from portal.tenancy.session import db
from portal.users.models import User
from portal.web.access import public


@pytest.fixture
def views(portal, monkeypatch):
    """Put a view of our own in the place of one that nobody needs here."""

    def plant(view: object) -> None:
        monkeypatch.setitem(portal.app.view_functions, "auth.sign_in", public(view))

    return plant


def test_after_a_request_nobody_is_bound_on_its_thread(acme, globex) -> None:
    for organisation in (acme, globex, acme):
        assert organisation.visit("member").get("/documents").status_code == 200
        assert find_binding() is None


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_leaves_nobody_bound(acme, views, error) -> None:
    def fail() -> str:
        raise error("in the middle")

    views(fail)
    with suppress(error):
        acme.visit().get("/auth/sign-in")
    assert find_binding() is None


def test_a_streamed_body_is_iterated_with_nobody_bound(acme, views) -> None:
    seen = []

    def stream() -> Response:
        def pieces():
            seen.append(find_binding())
            yield b"one"
            try:
                db.session.query(User).count()
            except NoTenantBound:
                seen.append("refused")
            yield b"two"

        return Response(pieces())

    views(stream)
    assert acme.visit().get("/auth/sign-in").data == b"onetwo"
    assert seen == [None, "refused"]


def test_a_body_that_keeps_its_request_has_no_tenant_either(portal, acme, views) -> None:
    """`stream_with_context` keeps Flask's context alive, and must not keep the database open."""

    def stream() -> Response:
        def pieces():
            yield b"x"

        return Response(stream_with_context(pieces()))

    views(stream)
    assert acme.visit().get("/auth/sign-in").data == b"x"
    assert find_binding() is None
    with portal.app.app_context():
        assert all(engine.pool.checkedout() == 0 for engine in db.engines.values())


def test_interleaved_requests_of_two_tenants_see_their_own(portal, acme, globex, views) -> None:
    """Each stops in its middle until others have begun and ended on the same few threads."""
    waiting: Queue[threading.Event] = Queue()

    def count() -> str:
        before = db.session.query(User.email).order_by(User.email).all()
        go_on = threading.Event()
        waiting.put(go_on)
        go_on.wait(timeout=10)
        after = db.session.query(User.email).order_by(User.email).all()
        assert before == after
        return ",".join(email for (email,) in after)

    views(count)

    def ask(n: int) -> tuple[str, str]:
        organisation = (acme, globex)[n % 2]
        return organisation.record.slug, organisation.visit().get("/auth/sign-in").text

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(ask, range(24))
        released = 0
        while released < 24:
            event = waiting.get(timeout=10)
            event.set()
            released += 1
        for slug, text in answers:
            emails = text.split(",")
            assert len(emails) >= 8, text[:200]
            assert all(email.endswith(f"@{slug}.example") for email in emails), (slug, emails)


def test_two_bodies_read_in_turns_are_each_their_own(portal, acme, globex) -> None:
    """As a server does with two slow clients on one thread."""
    answers, bodies = {}, {}
    for organisation in (acme, globex):
        body = bytes(organisation.record.slug, "ascii") * 150_000
        made = organisation.visit("member").upload("big.bin", body).json["id"]
        environ = create_environ(f"/documents/{made}/download", f"http://{organisation.host}:8000")
        environ["HTTP_COOKIE"] = f"session={organisation['member'].token}"
        answer = answers[organisation.record.slug] = portal.wsgi(environ, lambda *_: None)
        bodies[organisation.record.slug] = (iter(answer), bytearray())
    open_ones = dict(bodies)
    while open_ones:
        for slug, (iterator, found) in list(open_ones.items()):
            piece = next(iterator, None)
            assert find_binding() is None
            if piece is None:
                answers[slug].close()
                del open_ones[slug]
            else:
                found.extend(piece)
    for slug, (_, found) in bodies.items():
        assert bytes(found) == slug.encode() * 150_000


def test_connections_come_back_from_broken_requests(portal, acme, views) -> None:
    def fail() -> str:
        db.session.query(User).first()
        raise RuntimeError("with a transaction open")

    views(fail)
    for _ in range(40):
        assert acme.visit().get("/auth/sign-in").status_code == 500
    with portal.app.app_context():
        assert all(engine.pool.checkedout() == 0 for engine in db.engines.values())
