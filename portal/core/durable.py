"""Small files that are whole and still there after a power cut, once they are put in place."""

import os
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Make a file that only its owner may use; all of it is on the disk on return.

    Raises `OSError`, `FileExistsError` of them where there is one already.
    """
    with open(path, "xb", opener=private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def put_in_place(unfinished: Path, path: Path) -> None:
    """Give a file of the same folder its name, in place of the one that had it."""
    unfinished.rename(path)
    sync_folder(path.parent)


def wipe(path: Path) -> None:
    """Overwrite a file in place, as far as the file system lets it, and take it away."""
    with path.open("r+b", buffering=0) as file:
        file.write(bytes(os.fstat(file.fileno()).st_size))
        os.fsync(file.fileno())
    path.unlink()


def private(path: str, flags: int) -> int:
    """An opener for files of our own: for their owner alone, and through no symbolic link."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def sync_folder(folder: Path) -> None:
    """Have the disk know which names a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
