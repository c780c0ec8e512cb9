"""All pages of the audit log. Importing a module adds its pages to the blueprint."""

from portal.web.audit import (
    charts,
    destinations,
    exports,
    live,
    log,
    proofs,
    retention,
    searches,
    timelines,
)
from portal.web.audit.blueprint import blueprint

__all__ = [
    "blueprint",
    "charts",
    "destinations",
    "exports",
    "live",
    "log",
    "proofs",
    "retention",
    "searches",
    "timelines",
]
