from typing import Any

from botocore.credentials import Credentials

class S3SigV4Auth:
    def __init__(self, credentials: Credentials, service_name: str, region_name: str) -> None: ...
    def add_auth(self, request: Any) -> None: ...
