"""Bootstrap's icons, cut to those that templates use: the whole sprite weighs a megabyte.

`icon` draws one where it stands. A list has the same few in every row: its page holds their shapes
once, by `symbols`, and each `sign` refers to one of them.
"""

import re
from functools import cache, lru_cache
from pathlib import Path

from flask import Flask, current_app
from markupsafe import Markup

_NAME = re.compile(r"[a-z0-9-]+")
_BY_TYPE = {  # what a media type may have in it, and its icon; the first that fits counts
    "application/pdf": "file-earmark-pdf",
    "image/": "file-earmark-image",
    "audio/": "file-earmark-music",
    "video/": "file-earmark-play",
    "csv": "file-earmark-spreadsheet",
    "sheet": "file-earmark-spreadsheet",
    "excel": "file-earmark-spreadsheet",
    "presentation": "file-earmark-slides",
    "powerpoint": "file-earmark-slides",
    "word": "file-earmark-word",
    "zip": "file-earmark-zip",
    "compressed": "file-earmark-zip",
    "text/": "file-earmark-text",
}
_OTHER_TYPE = "file-earmark"
TYPE_ICONS = tuple(dict.fromkeys((*_BY_TYPE.values(), _OTHER_TYPE)))


def init_app(app: Flask) -> None:
    """Give them to templates. A filter of a constant is worked out once, as they are compiled."""
    app.add_template_global(icon)
    app.add_template_global(symbols)
    app.jinja_env.globals["TYPE_ICONS"] = TYPE_ICONS
    app.add_template_filter(sign)
    app.add_template_filter(type_icon)


@lru_cache(maxsize=256)
def icon(name: str, label: str = "") -> Markup:
    """A Bootstrap icon as an inline SVG. Decorative unless it has a label."""
    return Markup('<svg class="bi" {} viewBox="0 0 16 16" fill="currentColor">{}</svg>').format(
        Markup('role="img" aria-label="{}"').format(label)
        if label
        else Markup('aria-hidden="true"'),
        _shape(name),
    )


@lru_cache(maxsize=256)
def type_icon(media_type: str) -> str:
    """The name of the icon for a kind of file."""
    return next((_BY_TYPE[part] for part in _BY_TYPE if part in media_type), _OTHER_TYPE)


@cache
def symbols(*names: str) -> Markup:
    """The shapes of icons, unseen, for signs on the same page to refer to."""
    symbol = Markup('<symbol id="sign-{}" viewBox="0 0 16 16">{}</symbol>')
    shapes = Markup().join(symbol.format(name, _shape(name)) for name in names)
    return Markup('<svg class="d-none" aria-hidden="true">{}</svg>').format(shapes)


@lru_cache(maxsize=256)
def sign(name: str) -> Markup:
    """A decorative icon whose shape is among the page's symbols."""
    return Markup(
        '<svg class="bi" aria-hidden="true" fill="currentColor"><use href="#sign-{}"/></svg>'
    ).format(name)


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
