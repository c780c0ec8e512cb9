"""The application: `create_app` wires it together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.auth import breached
from portal.bare import open_databases, take_up
from portal.core.settings import Settings
from portal.core.shipped import shipped
from portal.keys.startup import check_providers
from portal.tenancy import startup
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db
from portal.web import (
    assets,
    cookies,
    errors,
    filters,
    headers,
    lifecycle,
    limits,
    pages,
    request,
    secret,
    step_up,
)
from portal.web.fresh import WsgiApp, in_fresh_context


class Portal(Flask):
    """Flask without asynchronous views."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: Flask would look into each function of each request for what it might be."""
        return func


def create_app(given: Settings | None = None) -> Flask:
    """The portal as a WSGI application. Raises `Misconfigured` where it would not be safe."""
    chosen = take_up(given)
    app = _flask(chosen)
    open_databases(app, chosen)
    lifecycle.init_app(app)
    protection = CSRFProtect(app)
    for part in (step_up, cookies, limits, errors, filters, assets, pages):
        part.init_app(app)
    for view in pages.checking_for_themselves(app):
        protection.exempt(view)
    headers.init_app(app)
    return app


def create_wsgi_app() -> WsgiApp:
    """The portal as servers run it: checked, and each request in a context of its own.

    Raises `Misconfigured` or `SchemaNotIsolated` where a database is not fit to serve.
    """
    app = create_app()
    breached.check_list()
    with app.app_context():
        startup.check_everything(db.engine.url, list_living_tenants())
        check_providers(list_living_tenants())
    return in_fresh_context(app)


def _flask(chosen: Settings) -> Flask:
    app = Portal(
        "portal",
        template_folder=str(shipped("templates")),
        static_folder=str(shipped("static")),
        instance_path=str(Path(chosen.instance)),
    )
    app.request_class = request.PortalRequest
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config.from_mapping(
        SECRET_KEY=chosen.secret_key or secret.kept_in(chosen.instance),
        SESSION_COOKIE_NAME="__Host-form" if chosen.is_secure else "form",
        SESSION_COOKIE_SECURE=chosen.is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        MAX_FORM_PARTS=100,
        WTF_CSRF_TIME_LIMIT=None,  # a page left open overnight still works; the session ends itself
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    Bootstrap5(app)
    if chosen.trusted_proxies:
        hops = chosen.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app
