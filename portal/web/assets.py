"""Bootstrap's icons, cut to those that templates use: the whole sprite weighs a megabyte."""

import re
from functools import cache
from pathlib import Path

from flask import Flask, current_app
from markupsafe import Markup

_NAME = re.compile(r"[a-z0-9-]+")


def init_app(app: Flask) -> None:
    """Give templates `icon(name)`."""
    app.add_template_global(icon)


def icon(name: str, label: str = "") -> Markup:
    """A Bootstrap icon as an inline SVG. Decorative unless it has a label."""
    return Markup('<svg class="bi" {} viewBox="0 0 16 16" fill="currentColor">{}</svg>').format(
        Markup('role="img" aria-label="{}"').format(label)
        if label
        else Markup('aria-hidden="true"'),
        _shape(name),
    )


@cache
def _shape(name: str) -> Markup:
    """The inside of the icon's symbol, from the sprite that Bootstrap-Flask ships."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"no icon is called {name!r}")
    folder = Path(current_app.blueprints["bootstrap"].static_folder or "")
    sprite = (folder / "icons" / "bootstrap-icons.svg").read_text()
    found = re.search(rf'<symbol[^>]*\bid="{name}"[^>]*>(.*?)</symbol>', sprite, re.DOTALL)
    if found is None:
        raise ValueError(f"no icon is called {name!r}")
    return Markup(found[1])  # noqa: S704  # from an installed package, by a name checked above
