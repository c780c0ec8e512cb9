from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.harness.browser import axe_violations

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; require-trusted-types-for 'script'"
GOOD = (
    "<!doctype html><html lang=en><head><title>Portal</title></head>"
    "<body><main><h1>Documents</h1><p>Nothing here yet.</p></main></body></html>"
)
BAD = GOOD.replace("<p>", "<img src=x><p>").replace(" lang=en", "")


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = (BAD if self.path == "/bad" else GOOD).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://acme.localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        yield context.new_page()


def test_a_tenants_own_host_is_reached_and_drawn(page: Page) -> None:
    with site() as address:
        page.goto(address)
        assert page.get_by_role("heading").inner_text() == "Documents"
        assert page.locator("p").bounding_box()["width"] > 50
        assert page.screenshot().startswith(b"\x89PNG")


def test_axe_finds_faults_in_spite_of_a_strict_policy(page: Page) -> None:
    with site() as address:
        page.goto(address)
        assert axe_violations(page) == []
        page.goto(f"{address}/bad")
        rules = [violation.split(":")[0] for violation in axe_violations(page)]
        assert sorted(rules) == ["html-has-lang", "image-alt"]


def test_hosts_elsewhere_do_not_exist(page: Page) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://portal.example/")
