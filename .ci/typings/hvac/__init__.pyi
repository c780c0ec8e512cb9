from typing import Any

class Client:
    token: str | None
    auth: Any
    secrets: Any
    def __init__(
        self,
        *,
        url: str,
        token: str,
        verify: bool | str = ...,
        timeout: float = ...,
        allow_redirects: bool = ...,
    ) -> None: ...
