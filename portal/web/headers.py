"""Security headers on every answer, errors included (ASVS 5.0, chapter 3.4)."""

from flask import Flask, Response, request

from portal.core.settings import active
from portal.web.access import STATIC

# No inline script, no inline style, nothing from elsewhere. `data:` for Bootstrap's own icons.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)
# What people uploaded: shown by no page, run by nothing.
DOWNLOAD_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
# Of it, what may be looked at in a frame of a page of ours; and such a page. `data:` is what stands
# in the frame itself: it can fetch nothing.
FRAMED_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src data:; frame-ancestors 'self'"
)
FRAMING_POLICY = f"{PAGE_POLICY}; frame-src 'self'"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # under HTTPS, Flask-WTF wants to see where a form came from
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TWO_YEARS_SECONDS = 63072000


def init_app(app: Flask) -> None:
    """Put the headers on every answer."""
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add what is missing; a view may have set a stricter policy of its own."""
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if active().is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS_SECONDS}"
    if request.endpoint not in STATIC:
        response.headers.setdefault("Cache-Control", "no-store")
    return response
