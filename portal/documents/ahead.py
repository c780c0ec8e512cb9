"""Making the next piece of a content while the one before it is on its way to its reader."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait

from portal.core.processes import PerProcess
from portal.core.settings import active

# As many as may read at once, so that none waits for another one's store.
_makers = PerProcess(lambda: ThreadPoolExecutor(active().threads, "reading"))


def ahead(pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    """The same pieces, each made in another thread while the one before it is in use.

    An error comes in place of its piece. When this ends, be it early, nothing is being made.
    """
    makers = _makers.get()
    making = makers.submit(next, pieces, b"")
    try:
        while piece := making.result():
            making = makers.submit(next, pieces, b"")
            yield piece
    finally:
        wait([making])
        pieces.close()
