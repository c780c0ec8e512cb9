"""What an organisation has, in numbers: for the certificate that tells of its end."""

from sqlalchemy import func, select

from portal.audit.models import AuditEntry
from portal.documents.models import Document, DocumentVersion, Folder
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.models import User

COUNTED = {
    "audit_entries": AuditEntry,
    "documents": Document,
    "folders": Folder,
    "people": User,
    "versions": DocumentVersion,
}


def count_everything() -> dict[str, int]:
    """Rows by kind, and the blobs in the store with their bytes."""
    counts = {
        name: db.session.scalar(select(func.count()).select_from(model)) or 0
        for name, model in COUNTED.items()
    }
    sizes = [blob.size_bytes for blob in blobs().list_blobs(bound_tenant_id())]
    return counts | {"blobs": len(sizes), "blob_bytes": sum(sizes)}
