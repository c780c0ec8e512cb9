"""The bare page: the database's own driver, rows by f-string, over the textbook page's tables."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import local
from typing import Any

import psycopg
from flask import Flask, abort, session
from markupsafe import escape
from sqlalchemy import make_url

from bench.yardsticks.contents import PAGE_SIZE
from bench.yardsticks.textbook import SECRET

WHO = (
    "SELECT u.name, u.tenant_id, t.name FROM account u JOIN tenant t ON t.id = u.tenant_id"
    " WHERE u.id = ?"
)
LISTED = (
    "SELECT d.id, d.name, d.media_type, d.size_bytes, u.name, d.updated_at"
    " FROM document d JOIN account u ON u.id = d.owner_id WHERE d.tenant_id = ?"
    f" ORDER BY d.updated_at DESC, d.id DESC LIMIT {PAGE_SIZE}"
)


UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


def create_app() -> Flask:
    """The page on its own, at /documents."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = SECRET
    query = _reader(os.environ["BENCH_DATABASE_URL"])

    @app.get("/documents")
    def documents() -> str:
        if "_user_id" not in session:
            abort(401)
        ((name, tenant_id, tenant),) = query(WHO, int(session["_user_id"]))
        rows = "".join(
            f"""        <tr>
          <td><a class="fw-semibold" href="/documents/{i}">{escape(title)}</a></td>
          <td class="text-muted">{media_type}</td>
          <td class="text-end">{_size(size)}</td>
          <td>{escape(owner)}</td>
          <td class="text-nowrap">{_moment(at)}</td>
        </tr>
"""
            for i, title, media_type, size, owner, at in query(LISTED, tenant_id)
        )
        return PAGE.format(tenant=escape(tenant), name=escape(name), rows=rows)

    return app


def _reader(url: str) -> Callable[[str, int], Sequence[Any]]:
    """Reads in one round trip, on a connection that each thread keeps."""
    kept = local()
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":

        def connect() -> Any:
            return sqlite3.connect(str(parts.database))

        mark = "?"
    else:

        def connect() -> Any:
            return psycopg.connect(
                parts.set(drivername="postgresql").render_as_string(hide_password=False),
                autocommit=True,
            )

        mark = "%s"

    def query(sql: str, value: int) -> Sequence[Any]:
        if not hasattr(kept, "connection"):
            kept.connection = connect()
        rows: Sequence[Any] = kept.connection.execute(sql.replace("?", mark), (value,)).fetchall()
        return rows

    return query


def _moment(at: str | datetime) -> str:
    return str(at)[:16]


def _size(size_bytes: float) -> str:
    if size_bytes < 1000:
        return f"{size_bytes} Bytes"
    unit = next(unit for unit in UNITS if size_bytes < 1000 * UNITS[unit])
    return f"{size_bytes / UNITS[unit]:.1f} {unit}"


PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Documents · {tenant}</title>
    <link rel="stylesheet" href="/static/bootstrap.min.css">
    <link rel="stylesheet" href="/static/page.css">
  </head>
  <body>
    <nav class="navbar navbar-expand-lg bg-body-tertiary"><div class="container">
      <a class="navbar-brand" href="/documents">{tenant}</a>
      <span class="navbar-text">{name}</span>
    </div></nav>
    <main class="container">
      <h1>Documents</h1>
      <table class="table table-hover">
        <thead>
          <tr><th>Name</th><th>Type</th><th>Size</th><th>Owner</th><th>Changed</th></tr>
        </thead>
        <tbody>
{rows}        </tbody>
      </table>
    </main>
  </body>
</html>"""
