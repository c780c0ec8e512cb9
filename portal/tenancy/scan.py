"""Reads finished SQL and proves that it can reach no other tenant's rows, or refuses it.

A tenant's table may be mentioned in exactly these shapes, where `:own` stands for a placeholder
that can hold nothing but the bound tenant's id (the guard says which those are):

    (SELECT * FROM t WHERE t.tenant_id = :own)
    INSERT INTO t (…, tenant_id, …) VALUES (…, :own, …), …
    INSERT INTO t (…, tenant_id, …) SELECT …, :own AS x, … FROM (…) AS y
    UPDATE t … WHERE t.tenant_id = :own [AND (…)]        and the same for DELETE FROM t

besides places that read nothing: a column's prefix, an alias, a lock's target. The proof knows
nothing of SQLAlchemy: whatever went wrong above it (a renamed hook, a raw fragment, a trick with
quotes or parentheses) shows as a mention of another shape.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from portal.tenancy.errors import CrossTenantWrite, UnguardedSQL

# What no SQL of ours holds and what could hide the rest: comments, a second statement, and what
# reads differently from one setting or moment to the next: dollar quotes, escape strings (E'',
# U&""), placeholders with odd names.
_HIDING = r"--|/\*|\*/|;|\0|\$\w*\$|[eE]'|[uU]&['\"]|%\((?!\w+\)s)"
_NAME = r"[^\W\d]\w*"
_QUOTED = {
    # A backslash before a quote ends a string or not, as the server is set: it matches nothing.
    "postgresql": r"'(?:[^'\\]|''|\\(?!'))*'|\"(?:[^\"]|\"\")*\"",
    "sqlite": r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]",
}
_PARAMETER = {
    "postgresql": r"%\((?P<parameter>\w+)\)s(?:::UUID\b)?",
    "sqlite": r":(?P<parameter>\w+)",
}
_TOKEN = {
    dialect: re.compile(
        rf"(?P<hiding>{_HIDING})|{_PARAMETER[dialect]}|(?P<quoted>{quoted})|(?P<name>{_NAME})|\S"
    )
    for dialect, quoted in _QUOTED.items()
}
_OPEN_QUOTES = frozenset("'\"`")
_BATCH_SUFFIX = re.compile(r"__\d+$")  # SQLAlchemy numbers the rows of a batch of INSERTs


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign: its text in lower case, the name or the placeholder it stands for, or "".

    Keywords are looked for in `text`, which keeps its quotes; names in `name`, which doesn't.
    """

    text: str
    name: str = ""
    parameter: str = ""


_END = Token("")


@lru_cache(maxsize=4096)
def touches_tenants(
    sql: str, dialect: str, tables: frozenset[str], own: frozenset[str] = frozenset()
) -> bool:
    """Whether `sql` reads or changes rows of tenants; that they are the bound tenant's is proved.

    `tables` are the names of the tenants' tables, `own` those of the placeholders that can hold
    nothing but the bound tenant's id; raw SQL has none. Raises `UnguardedSQL` where the proof
    fails, `CrossTenantWrite` where a row's tenant would be set.
    """
    tokens = [*_tokens_of(sql, dialect), _END]
    mentions = [at for at, token in enumerate(tokens) if token.name in tables]
    touching = [at for at in mentions if not _is_harmless(tokens, at)]
    for at in touching:
        before = tuple(token.text for token in tokens[max(0, at - 4) : at])
        if before[-4:] == ("(", "select", "*", "from"):
            _check_slice(tokens, at, own)
        elif before[-2:] == ("insert", "into"):
            _check_insert(tokens, at, own)
        elif before[-1:] == ("update",) or before[-2:] == ("delete", "from"):
            _check_change(tokens, at, own)
        else:
            raise UnguardedSQL(f"SQL names the table {tokens[at].name!r} past the query filter")
    return bool(touching)


def _tokens_of(sql: str, dialect: str) -> Iterator[Token]:
    for match in _TOKEN[dialect].finditer(sql):
        text = match[0].casefold()
        if match["hiding"] or text in _OPEN_QUOTES:
            raise UnguardedSQL(
                "SQL holds a comment, a semicolon, an escape string or an open quote"
            )
        if match["quoted"]:
            # SQLite takes 'document' for a table's name where one is expected: so do we.
            is_name = text[0] != "'" or dialect == "sqlite"
            yield Token(text, text[1:-1] if is_name else "")
        else:
            yield Token(text, text if match["name"] else "", match["parameter"] or "")


def _is_harmless(tokens: list[Token], at: int) -> bool:
    """A column's prefix (`document.id`), an alias (`AS document`), a lock's (`OF document`)."""
    before = tokens[at - 1].text if at else ""
    return (tokens[at + 1].text == "." and before != ".") or before in ("as", "of")


def _check_slice(tokens: list[Token], at: int, own: frozenset[str]) -> None:
    end = _after_predicate(tokens, at + 1, tokens[at].name, own)
    if tokens[end].text != ")":
        raise UnguardedSQL("a tenant's table is read by more than its predicate")


def _check_change(tokens: list[Token], at: int, own: frozenset[str]) -> None:
    """The first WHERE of an UPDATE or DELETE, at its own depth, begins with the predicate.

    What follows is one group in parentheses, then the end or RETURNING. So no raw fragment can
    widen it by OR, nor close a parenthesis that it did not open.
    """
    where = _find(tokens, at, "where")
    _check_settings(tokens[at:where])
    end = _after_predicate(tokens, where, tokens[at].name, own)
    if tokens[end].text == "and" and tokens[end + 1].text == "(":
        end = _closing(tokens, end + 1) + 1
    if tokens[end].text not in ("", ")", "returning"):
        raise UnguardedSQL("a fragment reaches out of the condition it was given in")


def _check_insert(tokens: list[Token], at: int, own: frozenset[str]) -> None:
    """Each row of an INSERT holds the bound tenant in its column tenant_id."""
    columns, end = _group(tokens, at + 1)
    names = [item[0].name for item in columns if len(item) == 1]
    if len(names) != len(columns) or names.count("tenant_id") != 1:
        raise UnguardedSQL("an INSERT of a tenant's rows must name its columns, tenant_id once")
    rows = []
    if tokens[end].text == "values":
        more = ","
        while more == ",":
            row, end = _group(tokens, end + 1)
            rows.append(row)
            more = tokens[end].text
    elif tokens[end].text == "select":
        origin = _find(tokens, end + 1, "from")
        rows.append(_split(tokens[end + 1 : origin]))
        _, end = _group(tokens, origin + 1)
        end += 2 if tokens[end].text == "as" else 0
    for row in rows:
        if len(row) != len(names) or not _is_own(row[names.index("tenant_id")], own):
            raise CrossTenantWrite(
                "the tenant of a new row must be the bound one, as a plain value"
            )
    if not rows or tokens[end].text not in ("", ")", "on", "returning"):
        raise UnguardedSQL("an INSERT of a tenant's rows holds more than its rows")
    if tokens[end].text == "on":
        _check_settings(tokens[end : _find(tokens, end, "returning", ")", _END.text)])


def _is_own(item: list[Token], own: frozenset[str]) -> bool:
    is_alone = len(item) == 1 or (len(item) == 3 and item[1].text == "as")
    return is_alone and _BATCH_SUFFIX.sub("", item[0].parameter) in own


def _check_settings(tokens: list[Token]) -> None:
    """No SET clause has tenant_id on its left side.

    A column on the right side always carries its table's name, so a bare one is a target: of SET,
    or of ON CONFLICT (…), where it may stand.
    """
    skip_to = 0
    for at, token in enumerate(tokens):
        if token.text == "(" and tokens[at - 1].text == "conflict":
            skip_to = _closing(tokens, at)
        is_bare = token.name == "tenant_id" and tokens[at - 1].text not in (".", "as")
        if is_bare and at > skip_to:
            raise CrossTenantWrite("the tenant of a row can't be changed")


def _after_predicate(tokens: list[Token], where: int, table: str, own: frozenset[str]) -> int:
    """The index after `WHERE table.tenant_id = :own`, which must begin at `where`."""
    keyword, prefix, dot, column, equals, value = (tokens[where : where + 6] + [_END] * 6)[:6]
    if (keyword.text, prefix.name, dot.text, column.name, equals.text) != (
        ("where", table, ".", "tenant_id", "=")
    ) or value.parameter not in own:
        raise UnguardedSQL("the first condition on a tenant's table must be its tenant")
    return where + 6


def _group(tokens: list[Token], opening: int) -> tuple[list[list[Token]], int]:
    """The items of the list in parentheses that begins at `opening`, and the index after it."""
    closing = _closing(tokens, opening)
    return _split(tokens[opening + 1 : closing]), closing + 1


def _split(tokens: list[Token]) -> list[list[Token]]:
    """`tokens` cut at each comma that stands in no parentheses."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            items.append([])
        else:
            items[-1].append(token)
    return items


def _closing(tokens: list[Token], opening: int) -> int:
    if tokens[opening].text != "(":
        raise UnguardedSQL("a parenthesis is missing")
    return _find(tokens, opening + 1, ")")


def _find(tokens: list[Token], start: int, *words: str) -> int:
    """The index of the first of `words` from `start` on that stands in no further parentheses.

    So a ")" among them is the end of those that `start` itself stands in.
    """
    depth = 0
    for at in range(start, len(tokens)):
        text = tokens[at].text
        if depth == 0 and text in words:
            return at
        depth += (text == "(") - (text == ")")
        if depth < 0:
            break
    raise UnguardedSQL(f"{words[0]!r} is missing where SQL names a tenant's table")
