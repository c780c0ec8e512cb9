from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

class MultipartError(ValueError): ...

class MultipartSegment:
    name: str | None
    filename: str | None

class PushMultipartParser:
    def __init__(self, boundary: str | bytes, *, max_segment_count: float = ...) -> None: ...
    def parse_blocking(
        self, read: Callable[[int], bytes], chunk_size: int = ...
    ) -> Iterator[MultipartSegment | bytearray | None]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
