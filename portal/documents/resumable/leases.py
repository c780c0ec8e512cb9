"""One writer at a time: whoever sends to an upload holds a lease on its row.

Not a lock, which would need a transaction that is open for hours, or one host: a lease that is not
renewed ends by itself, so that a killed process or a connection that hangs keeps nobody out for
longer than clients go on asking. Whoever lost it notices at the next save, which changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update

from portal.core import clock
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.documents.cipher import DamagedDocument
from portal.documents.models import Upload
from portal.documents.resumable.ending import KEPT_FOR
from portal.storage.blobs import BlobMissing
from portal.tenancy.session import change, db

LASTS = timedelta(seconds=6)  # tus-js-client asks again for nine
RENEWED_EVERY = timedelta(seconds=2)


class UploadBusy(PortalError):
    """Somebody else sends to this upload just now."""

    status = 423
    message = "This upload is being sent to by another request. Try again in a few seconds."


@dataclass(slots=True)
class Lease:
    """The right to write to an upload."""

    upload_id: UUID
    id: UUID = field(default_factory=new_id)
    renewed_at: datetime = field(default_factory=clock.now)

    def read(self) -> Upload:
        """The upload's row as it is by now. Raises `UploadBusy` where the lease is lost."""
        own = select(Upload).where(Upload.id == self.upload_id, Upload.lease == self.id)
        found = db.session.scalars(own).one_or_none()
        if found is None:
            raise UploadBusy
        return found

    def save(self, **values: object) -> None:
        """Change the upload's row, and renew the lease. Raises `UploadBusy` where it is lost."""
        self.renewed_at = clock.now()
        until = self.renewed_at + LASTS
        own = update(Upload).where(Upload.id == self.upload_id, Upload.lease == self.id)
        if not change(own.values(leased_until=until, **values)):
            raise UploadBusy

    def keep(self) -> None:
        """Renew the lease where that is due, as more has come: the upload lives on. Commits."""
        if clock.now() - self.renewed_at >= RENEWED_EVERY:
            self.save(expires_at=clock.now() + KEPT_FOR)
            db.session.commit()

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """What is missing or damaged may be so because others have gone on without this lease, or
        given the upload up. Raises `UploadBusy` then.
        """
        try:
            yield
        except (BlobMissing, DamagedDocument):
            db.session.rollback()
            self.save()
            raise

    def end(self) -> None:
        """Let others write at once. Commits."""
        db.session.rollback()
        own = update(Upload).where(Upload.id == self.upload_id, Upload.lease == self.id)
        change(own.values(lease=None, leased_until=None))
        db.session.commit()


def take_lease(upload_id: UUID) -> Lease:
    """Become the one who writes. Commits. Raises `UploadBusy`."""
    lease, now = Lease(upload_id), clock.now()
    free = or_(Upload.lease.is_(None), Upload.leased_until < now)
    taken = update(Upload).where(Upload.id == upload_id, free)
    if not change(taken.values(lease=lease.id, leased_until=now + LASTS)):
        raise UploadBusy
    db.session.commit()
    return lease
