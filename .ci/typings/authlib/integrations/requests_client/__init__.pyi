from typing import Any

import requests

class OAuthError(Exception):
    error: str
    description: str

class OAuth2Session(requests.Session):
    def __init__(self, client_id: str, client_secret: str, **kwargs: Any) -> None: ...
    def create_authorization_url(self, url: str, **kwargs: Any) -> tuple[str, str]: ...
    def fetch_token(self, url: str, **kwargs: Any) -> dict[str, Any]: ...
