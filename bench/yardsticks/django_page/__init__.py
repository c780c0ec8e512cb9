"""The textbook page in Django with django-tenants: a schema a tenant, as its documentation has it.

The project's own defaults (`startproject`) hold, but for connections, which are kept open.
"""

import os
from importlib import import_module
from typing import Any


def create_app() -> Any:
    """The page on its own, at /documents."""
    return _start()


def fill() -> str:
    """Make schemas and rows in BENCH_DATABASE_URL; gives the cookie of who is signed in."""
    _start()
    cookie: str = import_module(f"{__name__}.filling").fill()
    return cookie


def _start() -> Any:
    """Django reads its settings once, when the first of its modules needs them."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.yardsticks.django_page.settings"
    return import_module("django.core.wsgi").get_wsgi_application()
