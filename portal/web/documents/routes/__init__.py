"""Documents, a module for each kind of page; importing them adds their views to the group."""

from portal.web.documents.routes import (
    archives,
    copying,
    documents,
    many,
    previews,
    resumable,
    search,
    stars,
    upload_form,
    versions,
)
from portal.web.documents.routes.blueprint import blueprint

__all__ = [
    "archives",
    "blueprint",
    "copying",
    "documents",
    "many",
    "previews",
    "resumable",
    "search",
    "stars",
    "upload_form",
    "versions",
]
