"""Somebody at the command line. Each command finds what a process of its own would find: its
settings in the environment, nothing in memory from the one before.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from flask import Flask
from sqlalchemy import make_url

from portal import cli
from portal.app import create_app, create_wsgi_app
from portal.bare import create_bare_app
from portal.cli.context import Factories
from portal.core import settings
from portal.core.settings import Settings
from portal.keys import hierarchy
from portal.storage import chosen as storage
from portal.tenancy.session import db
from portal.web.fresh import in_fresh_context
from tests.browsing import Visitor
from tests.serving import environment

SERVE = ("serve", "--port", "0")  # on none that somebody else may serve on


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def link(self) -> str:
        """The one-time link that it printed."""
        [link] = [word for word in self.out.split() if "/auth/invitations/" in word]
        return link


def run_in(environment: dict[str, str], *arguments: str) -> Done:
    """Run `portal ARGUMENTS` to its end, in an environment that holds these variables only."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with ExitStack() as stack:
        stack.enter_context(_as_it_was())
        factories = stack.enter_context(_applications())
        stack.enter_context(patch.dict(os.environ, environment, clear=True))
        stack.enter_context(patch.object(sys, "argv", ["portal", *arguments]))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        try:
            cli.main(factories)
        except SystemExit as ended:
            status = ended.code
    return Done(status, out.getvalue(), err.getvalue())


class Operator:
    """An operator with the environment that makes these settings."""

    def __init__(self, chosen: Settings, **more: str) -> None:
        self.settings = chosen
        self.environment = environment(chosen, **more)

    def __call__(self, *arguments: str, **variables: str) -> Done:
        """Run `portal ARGUMENTS` to its end, with these variables besides."""
        return run_in(self.environment | variables, *arguments)

    def do(self, *arguments: str, **variables: str) -> Done:
        """Run a command that has to succeed."""
        done = self(*arguments, **variables)
        assert done.status == 0, f"portal {' '.join(arguments)}: {done.err}"
        return done

    def refused(self, *arguments: str, **variables: str) -> str:
        """Run a command that has to fail; gives its one line."""
        done = self(*arguments, **variables)
        assert (done.status, done.out) == (1, ""), done
        [line] = done.err.splitlines()
        assert line.startswith("portal: ")
        return line.removeprefix("portal: ")

    @contextmanager
    def visiting(self, host: str) -> Iterator[Visitor]:
        """A browser on `host`, served by a process of its own."""
        with self.inside() as app:
            yield Visitor(in_fresh_context(app), host)

    @contextmanager
    def inside(self) -> Iterator[Flask]:
        """The application, in a process of its own."""
        with _as_it_was(), _applications() as factories:
            with patch.dict(os.environ, self.environment, clear=True):
                app = factories.app_with_pages()
            yield app

    @property
    def instance(self) -> Path:
        return self.settings.instance

    @property
    def control_file(self) -> Path:
        return Path(str(make_url(self.settings.database_url).database))

    @property
    def tenant_files(self) -> list[Path]:
        return sorted(self.instance.glob("tenants/*.db"))


@contextmanager
def _applications() -> Iterator[Factories]:
    """The factories of `portal.command`. What they make is closed at the end."""
    made: list[Flask] = []

    def closing(create: Callable[[], Flask]) -> Callable[[], Flask]:
        def make() -> Flask:
            made.append(create())
            return made[-1]

        return make

    make_app = closing(create_app)
    with patch("portal.app.create_app", make_app):
        yield Factories(closing(create_bare_app), make_app, create_wsgi_app)
    for app in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@contextmanager
def _as_it_was() -> Iterator[None]:
    """What belongs to the process is put back: a command has a process of its own."""
    active = settings._active, hierarchy._providers, storage._stores
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    umask = os.umask(0o022)
    os.umask(umask)
    try:
        yield
    finally:
        os.umask(umask)
        settings._active, _, storage._stores = active
        if active[1] is not None:
            hierarchy.configure(active[1])
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
