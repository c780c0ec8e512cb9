"""Documents, a module for each kind of page; importing them adds their views to the group."""

from portal.web.documents.routes import documents, previews, resumable, upload_form, versions
from portal.web.documents.routes.group import blueprint

__all__ = ["blueprint", "documents", "previews", "resumable", "upload_form", "versions"]
