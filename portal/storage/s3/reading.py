"""Reading an object from any offset, a window at a time."""

import io
from types import TracebackType
from typing import Any, Self

from portal.storage.blobs import StoreUnavailable
from portal.storage.s3.access import Access, object_errors, store_errors

FIRST_WINDOW = 1024 * 1024
LARGEST_WINDOW = 4 * FIRST_WINDOW
TRIES = 3


class S3Reader:
    """A committed object.

    It asks for 1 MiB first and after every jump, and for more the longer it is read in sequence. A
    window is held in memory: one that broke off is asked for again, and no answer stays half read
    while the reader's own client dawdles.
    """

    def __init__(self, access: Access, bucket: str, key: str) -> None:
        """Raises `BlobMissing` or `StoreUnavailable`."""
        self._access, self._bucket, self._key = access, bucket, key
        self._position = self._window_start = 0
        self._window = b""
        self._next_window = FIRST_WINDOW
        with object_errors(access, bucket, key):
            head = access.client().head_object(Bucket=bucket, Key=key)
        self.size_bytes = int(head["ContentLength"])

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; fewer where the window ends. All that is left for -1."""
        if size < 0:
            return b"".join(iter(lambda: self.read(LARGEST_WINDOW), b""))
        offset = self._position - self._window_start
        if not 0 <= offset < len(self._window):
            if size == 0 or self._position >= self.size_bytes:
                return b""
            self._fetch()
            offset = 0
        found = self._window[offset : offset + size]
        self._position += len(found)
        return found

    def readinto(self, buffer: memoryview, /) -> int:
        """Read into `buffer`; gives how much it is, fewer bytes where the window ends."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go there. Nothing is asked for until it is read."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}
        self._position = origin[whence] + offset
        return self._position

    def close(self) -> None:
        """Let the window go."""
        self._window = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _fetch(self) -> None:
        goes_on = self._position == self._window_start + len(self._window)
        size = self._next_window if goes_on else FIRST_WINDOW
        self._next_window = min(2 * size, LARGEST_WINDOW)
        self._window = b""  # so that there are never two
        self._window = self._get(self._position, min(size, self.size_bytes - self._position))
        self._window_start = self._position

    def _get(self, start: int, size: int) -> bytes:
        for _ in range(TRIES):
            with object_errors(self._access, self._bucket, self._key):
                answer = self._access.client().get_object(
                    Bucket=self._bucket, Key=self._key, Range=f"bytes={start}-{start + size - 1}"
                )
            found = _body(answer["Body"])
            if len(found) == size:
                return found
        raise StoreUnavailable


def _body(stream: Any) -> bytes:
    """The whole body, or what is no body at all where the connection broke."""
    try:
        with store_errors():
            return bytes(stream.read())
    except StoreUnavailable:
        return b""
    finally:
        stream.close()
