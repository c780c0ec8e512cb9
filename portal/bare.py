"""The portal without its pages: settings, keys, contents and databases. Most commands need no more,
and the pages take longer to load than such a command to run.
"""

from importlib import import_module
from pathlib import Path

from flask import Flask

import portal
from portal.core import logs, settings
from portal.core.settings import Settings
from portal.keys import hierarchy
from portal.keys.chosen import providers_of
from portal.storage import chosen as storage
from portal.tenancy import schema
from portal.tenancy.placement import ENGINE_OPTIONS
from portal.tenancy.session import init_databases

PACKAGE = Path(portal.__file__).parent

# Every table is known before anything is done: rights, the query filter, rotation and erasure are
# about all of them, whichever command it is.
for models in sorted(PACKAGE.rglob("models.py")):
    import_module(".".join(("portal", *models.relative_to(PACKAGE).with_suffix("").parts)))


def create_bare_app() -> Flask:
    """The application that commands work in. Raises `Misconfigured` where it would not be safe."""
    chosen = take_up()
    app = Flask("portal", static_folder=None, instance_path=str(Path(chosen.instance)))
    open_databases(app, chosen)
    return app


def take_up(given: Settings | None = None) -> Settings:
    """Have the process work by these settings, or by those of its environment."""
    chosen = given or settings.load()
    if chosen.production:
        settings.check_production(chosen)
    settings.use(chosen)
    logs.configure(chosen)
    hierarchy.configure(providers_of(chosen))
    storage.configure(storage.open_stores(chosen))
    schema.check_models()
    return chosen


def open_databases(app: Flask, chosen: Settings) -> None:
    """Open the main database for an application."""
    app.config.from_mapping(
        SQLALCHEMY_DATABASE_URI=chosen.database_url, SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS
    )
    init_databases(app)
