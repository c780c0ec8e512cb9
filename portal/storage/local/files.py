"""Files and folders of our own: durable, through no symbolic link, and never replaced."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import errorcode
from pathlib import Path

import structlog

from portal.core.durable import sync_folder
from portal.storage.blobs import BlobExists, BlobMissing, StoreUnavailable

FOLDER_MODE, FILE_MODE = 0o700, 0o600

log = structlog.get_logger()


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what the file system refuses while a blob is written into the errors of a store."""
    try:
        yield
    except FileExistsError:
        raise BlobExists from None
    except FileNotFoundError:
        raise BlobMissing from None
    except OSError as error:  # no room, most of all
        log.warning("a blob can not be written", error=errorcode.get(error.errno or 0, "?"))
        raise StoreUnavailable from error


def refuse_unreadable(error: OSError) -> None:
    """A folder that isn't there holds nothing; one that can't be read may hold anything."""
    if not isinstance(error, FileNotFoundError):
        log.warning("a folder of blobs can not be read", error=errorcode.get(error.errno or 0, "?"))
        raise StoreUnavailable from error


def give_name(unfinished: Path, path: Path) -> None:
    """A hard link is the one way to give a name that never replaces another file."""
    with store_errors():
        make_folders(path.parent)
        os.link(unfinished, path)
        sync_folder(path.parent)


def not_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def make_folders(folder: Path) -> None:
    """Make a folder and what is above it, so that it is still there after a power cut."""
    if not folder.is_dir():
        make_folders(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        sync_folder(folder.parent)
