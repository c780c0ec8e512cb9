"""Files that come and go without being encrypted, checked or recorded."""

import os
import secrets
from pathlib import Path

from flask import Flask, request, send_file
from flask.typing import ResponseReturnValue

PIECE = 256 * 1024


def create_app() -> Flask:
    """PUT and GET at /file, in the folder that BENCH_FOLDER names."""
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

    return app
