"""Files that come and go without being encrypted, checked or recorded; and sealed ones that go
without being checked or recorded."""

import os
import secrets
from pathlib import Path
from uuid import UUID

from flask import Flask, Response, request, send_file
from flask.typing import ResponseReturnValue

from portal.documents.cipher import ContentId, decrypt

PIECE = 256 * 1024
KEY, CONTENT = bytes(32), ContentId(UUID(int=1), UUID(int=2), UUID(int=3))


def create_app() -> Flask:
    """PUT and GET at /file, GET at /sealed, in the folder that BENCH_FOLDER names."""
    app = Flask(__name__)
    folder = Path(os.environ["BENCH_FOLDER"])

    @app.put("/file")
    def put() -> ResponseReturnValue:
        path = folder / secrets.token_hex(8)
        with path.open("wb") as file:
            while piece := request.stream.read(PIECE):
                file.write(piece)
        return {"id": path.name}, 201

    @app.get("/file/<name>")
    def get(name: str) -> ResponseReturnValue:
        return send_file(folder / Path(name).name, "application/octet-stream")

    @app.get("/sealed/<name>/<int:size_bytes>")
    def get_sealed(name: str, size_bytes: int) -> ResponseReturnValue:
        file = (folder / Path(name).name).open("rb", buffering=0)
        response = Response(decrypt(file, KEY, CONTENT, size_bytes))
        response.content_length = size_bytes
        response.call_on_close(file.close)
        return response

    return app
