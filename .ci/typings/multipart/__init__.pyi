from collections.abc import Generator

class MultipartError(ValueError): ...

class MultipartSegment:
    name: str
    filename: str | None

class PushMultipartParser:
    closed: bool
    def __init__(
        self,
        boundary: str | bytes,
        content_length: int = ...,
        max_header_size: int = ...,
        max_header_count: int = ...,
        max_segment_size: float = ...,
        max_segment_count: float = ...,
        header_charset: str = ...,
        strict: bool = ...,
    ) -> None: ...
    def parse(self, chunk: bytes) -> Generator[MultipartSegment | bytes | bytearray | None]: ...

def parse_options_header(header: str) -> tuple[str, dict[str, str]]: ...
