"""A place for files that are thrown away: in memory, where a commit waits for no disk."""

from pathlib import Path
from shutil import disk_usage

MEMORY = Path("/dev/shm")  # noqa: S108  # folders of one's own are made in it
ROOM_BYTES = 2 << 30


def place_in_memory() -> str | None:
    """Where folders can be made that lie in memory. None where there is no room for them."""
    has_room = MEMORY.is_dir() and disk_usage(MEMORY).free > ROOM_BYTES
    return str(MEMORY) if has_room else None
