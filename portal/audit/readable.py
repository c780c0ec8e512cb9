"""JSON in statements, where PostgreSQL has to look into it.

It keeps a NUL in JSON as it was written, and reads none: whatever asks for a part of such a value
fails. New entries have none (`tlog.bodies.part`); those of before stay as they are, as their hashes
do, and are read with what stands for a NUL in new ones.
"""

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_NUL = r"\u0000"
_WRITTEN = r"(?<!\\)((?:\\\\)*)\\u0000"  # not after a backslash that is escaped by another
_PUT = r"\1\\ufffd"


class Readable(FunctionElement[Any]):
    """A column of JSON without a NUL."""

    type = JSON()
    inherit_cache = True


@compiles(Readable)
def _as_it_is(element: Readable, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(Readable, "postgresql")
def _without_nul(element: Readable, compiler: SQLCompiler, **options: Any) -> str:
    json = compiler.process(element.clauses, **options)
    replaced = f"regexp_replace({json}::text, '{_WRITTEN}', '{_PUT}', 'g')::json"
    return f"CASE WHEN strpos({json}::text, '{_NUL}') = 0 THEN {json} ELSE {replaced} END"
