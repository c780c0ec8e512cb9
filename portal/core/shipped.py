"""Finds the folders that ship beside the package: templates, static files, migrations."""

from pathlib import Path

import portal

_PACKAGE = Path(portal.__file__).parent


def shipped(folder: str) -> Path:
    """The path of `folder`: inside an installed wheel, or at the top of a checkout."""
    inside = _PACKAGE / "_shipped" / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
