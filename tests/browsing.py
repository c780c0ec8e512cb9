"""Somebody with a browser: cookies, a host, and the forms of the pages that came back."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import Client, TestResponse

ADDRESS = "192.0.2.7"
PORT = 8000


class Visitor:
    """One browser on one host. Every request goes the whole way through the WSGI application."""

    def __init__(self, wsgi: Any, host: str, *, address: str = ADDRESS, scheme: str = "http"):
        self.client = Client(wsgi)
        self.host = host
        self.base = f"{scheme}://{host}" + (f":{PORT}" if scheme == "http" else "")
        self.address = address
        self.csrf_token = ""

    def open(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        """One request, its answer read to the end."""
        options.setdefault("environ_base", {}).setdefault("REMOTE_ADDR", self.address)
        return self.client.open(
            path,
            method=method,
            base_url=options.pop("base_url", self.base),
            buffered=True,
            **options,
        )

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, **options)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form, with the token that every form carries."""
        return self.open(
            path, "POST", data={"csrf_token": self.csrf_token, **(data or {})}, **options
        )

    def put(self, path: str, body: bytes | Any = b"", **headers: str) -> TestResponse:
        """Send a raw body, with the token in a header as scripts do.

        A stream is read by the server as it goes; it needs Content_Length among the headers.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = (
            {"data": body}
            if isinstance(body, bytes)
            else {
                "environ_overrides": {
                    "wsgi.input": body,
                    "CONTENT_LENGTH": sent.pop("Content-Length"),
                }
            }
        )
        return self.open(path, "PUT", headers={"X-CSRFToken": self.csrf_token, **sent}, **options)

    def upload(self, name: str, body: bytes, folder: Any = "") -> TestResponse:
        """Upload a document."""
        return self.put("/documents/uploads", body, X_File_Name=name, X_Folder=str(folder))

    def submit(self, path: str, **filled: Any) -> TestResponse:
        """Open a page, fill in its last form that has the fields, and send it where that says."""
        page = self.get(path)
        assert page.status_code == 200, (path, page.status_code)
        forms = [form for form in forms_of(page.text) if filled.keys() <= form.fields.keys()]
        assert forms, f"no form with {filled.keys()} on {path}"
        form = forms[-1]
        headers = {}
        if page.headers["Referrer-Policy"] == "same-origin":
            headers["Referer"] = self.base + path
        return self.open(
            form.action or path, "POST", data={**form.fields, **filled}, headers=headers
        )

    def cookie(self, name: str) -> str | None:
        """The value of a cookie that this browser holds."""
        found = self.client.get_cookie(name, self.host)
        return found.value if found else None

    def take(self, name: str, value: str) -> None:
        """Put a cookie into this browser."""
        self.client.set_cookie(name, value, domain=self.host)


@dataclass
class Form:
    """A form of a page, with what its fields hold as the page comes."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.select = ""
        self.is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.is_inside = True
            self.found.append(
                Form(given.get("action") or "", (given.get("method") or "get").lower())
            )
        elif self.is_inside and tag in ("input", "textarea") and name:
            if given.get("type") == "radio":
                self.found[-1].choices.setdefault(name, []).append(value)
                if "checked" not in given:
                    self.found[-1].fields.setdefault(name, "")
                    return
            self.found[-1].fields[name] = value
        elif self.is_inside and tag == "select":
            self.select = name
            self.found[-1].choices[name] = []
        elif self.is_inside and tag == "option":
            form = self.found[-1]
            if not form.choices[self.select] or "selected" in given:
                form.fields[self.select] = value
            form.choices[self.select].append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_inside = False


def forms_of(page: str) -> list[Form]:
    """The forms of a page in the order in which they stand there."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "action") and value:
                self.found.append(value)


def links_of(page: str) -> list[str]:
    """Every address that a page leads to."""
    parser = _Links()
    parser.feed(page)
    return parser.found
