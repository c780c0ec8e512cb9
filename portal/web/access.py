"""What a view declares about who may come in. A view that declares nothing is never run.

Each view has one door (`@public`, `@signed_in`, `@requires(…)` and the like), right above it. What
else it declares stands above the door.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, TypeVar

from portal.access.permissions import Permission
from portal.auth.assurance import Act

View = TypeVar("View", bound=Callable[..., Any])

STATIC = frozenset({"static", "bootstrap.static"})  # files that are the same for everybody


class Door(Enum):
    """How far somebody must have come to be let in."""

    PROBE = auto()  # asked by machines under any host; sees no tenant
    ANYWHERE = auto()  # anybody, on the apex and on a tenant's host
    PUBLIC = auto()  # anybody, on a tenant's host
    BY_LINK = auto()  # whoever has opened a sharing link; the view asks for the visit
    HALF_SIGNED_IN = auto()  # the password was right, the code is still to come
    SIGNED_IN = auto()
    ANY_SESSION = auto()  # however far it has come, and whatever it may do


@dataclass(frozen=True, slots=True)
class Declared:
    """Who may come in, and what the view does besides answering."""

    door: Door
    permission: Permission | None = None
    others: tuple[Permission, ...] = ()  # any of which will do as well
    discloses: bool = False  # a GET that adds an entry to the audit log
    streams_body: bool = False  # takes a body of any size, read as it arrives
    fresh: Act | None = None  # the kind of act, where the last proof must not be old
    finishes_ceremony: bool = False  # a GET by which somebody comes back (docs/decisions/0009)
    repairs: bool = False  # open to a break-glass session too, though it takes no permission
    while_closing: bool = False  # done by members even when the organisation closes
    by_programs: bool = False  # a POST by another program, which has no form's token
    only_asks: bool = False  # a POST that changes nothing: no address is to hold what it asks for
    reads_form: bool = False  # reads a form with files by itself, and checks its token

    @property
    def checks_token_itself(self) -> bool:
        """Whether no form's token is to be asked for before the view."""
        return self.by_programs or self.reads_form


def declared(view: Callable[..., Any] | None) -> Declared | None:
    """What `view` declares, or None."""
    return getattr(view, "declared", None)


def probe(view: View) -> View:
    """Open to machines that watch the portal, under any host."""
    return _declare(view, Declared(Door.PROBE))


def anywhere(view: View) -> View:
    """Open to anybody, on the apex and on a tenant's host."""
    return _declare(view, Declared(Door.ANYWHERE))


def public(view: View) -> View:
    """Open to anybody on a tenant's host."""
    return _declare(view, Declared(Door.PUBLIC))


def by_link(view: View) -> View:
    """Open to whoever has opened a sharing link: the view begins with `present_visit`."""
    return _declare(view, Declared(Door.BY_LINK))


def half_signed_in(view: View) -> View:
    """Open between the password and the code."""
    return _declare(view, Declared(Door.HALF_SIGNED_IN))


def any_session(view: View) -> View:
    """Open to whoever has a session, however far it has come, and whatever it may do."""
    return _declare(view, Declared(Door.ANY_SESSION))


def signed_in(view: View) -> View:
    """Open to every member who has signed in completely, but not by breaking the glass."""
    return _declare(view, Declared(Door.SIGNED_IN))


def requires(permission: Permission, *others: Permission) -> Callable[[View], View]:
    """Open to members who hold one of these, if only on a folder; the service decides on which."""
    return lambda view: _declare(view, Declared(Door.SIGNED_IN, permission, others))


def discloses(view: View) -> View:
    """Say that this GET records what it gives away."""
    return _also(view, discloses=True)


def finishes_ceremony(view: View) -> View:
    """Say that this GET uses up a ceremony and writes what follows."""
    return _also(view, finishes_ceremony=True)


def repairs(view: View) -> View:
    """Let a break-glass session in as well."""
    return _also(view, repairs=True)


def while_closing(view: View) -> View:
    """Let members do this even when the organisation closes."""
    return _also(view, while_closing=True)


def only_asks(view: View) -> View:
    """Say that its POST changes nothing: what it asks for must not appear in an address."""
    return _also(view, only_asks=True)


def by_programs(view: View) -> View:
    """Take a POST without a form's token: what it brings proves itself."""
    return _also(view, by_programs=True)


def streams_body(view: View) -> View:
    """Say that the body may be of any size."""
    return _also(view, streams_body=True)


def reads_form(view: View) -> View:
    """Say that it reads its form by `StreamedForm`, which checks the token before any file."""
    return _also(view, reads_form=True, streams_body=True)


def freshly(act: Act) -> Callable[[View], View]:
    """Ask again who it is, where the last proof is too old."""
    return lambda view: _also(view, fresh=act)


def _declare(view: View, declaration: Declared) -> View:
    view.declared = declaration  # type: ignore[attr-defined]
    return view


def _also(view: View, **more: Any) -> View:
    """Add to what the door declared. Raises `TypeError` where there is no door beneath."""
    found = declared(view)
    if found is None:
        raise TypeError(f"the door of {view.__name__} has to stand below this")
    return _declare(view, replace(found, **more))
