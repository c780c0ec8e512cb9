"""Reads finished SQL and decides whether the query filter can vouch for it.

The guard (`guard.py`) renders a tenant's table in exactly three shapes: a filtered subselect, the
target of an INSERT, and the target of an UPDATE or DELETE whose WHERE begins with the predicate.
`check_guarded` proves that a statement holds these, each outside of strings and comments, as many
times as they were rendered, and no other mention of a tenant's table. It knows nothing of
SQLAlchemy: whatever went wrong above it (a renamed hook, a raw fragment, a trick with quotes or
parentheses) shows as a mention that was not vouched for, and is refused.
"""

import re
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from portal.tenancy.errors import CrossTenantWrite, UnguardedSQL

# What no SQL of ours holds and what could hide the rest: comments, dollar quotes, escape strings
# (E'', U&''), which read differently from one server setting to the next.
_HIDING = r"--|/\*|\*/|\$\w*\$|\b[eE]'|\b[uU]&['\"]"
_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`"
_BRACKETED = r"|\[[^\]]*\]"  # SQLite reads [x] as a name, PostgreSQL as a subscript
_NAME = r"[^\W\d]\w*"


def _token_pattern(bracketed: bool) -> re.Pattern[str]:
    quoted = _QUOTED + (_BRACKETED if bracketed else "")
    return re.compile(rf"(?P<hiding>{_HIDING})|(?P<quoted>{quoted})|(?P<name>{_NAME})|\S")


_PATTERNS = {"sqlite": _token_pattern(True), "postgresql": _token_pattern(False)}


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign: its text in lower case, the name it stands for (or ""), where it starts.

    Keywords are looked for in `text`, which keeps its quotes; names in `name`, which doesn't.
    """

    text: str
    name: str
    start: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the guard says it put into a statement: each text or table, and how often."""

    subselects: Counter[str]
    predicates: Counter[str]
    inserted: Counter[str]
    changed: Counter[str]


def tokens_of(sql: str, dialect: str) -> list[Token]:
    """The tokens of `sql`. Raises `UnguardedSQL` at a comment or an unfinished quote."""
    found = []
    for match in _PATTERNS[dialect].finditer(sql):
        text = match[0]
        if match["hiding"] or text in "'\"`":
            raise UnguardedSQL("a comment, dollar quote, escape string or open quote in SQL")
        text = text.casefold()
        if match["quoted"]:
            # SQLite takes 'document' for a table's name where one is expected: so do we.
            is_name = text[0] != "'" or dialect == "sqlite"
            found.append(Token(text, text[1:-1] if is_name else "", match.start()))
        else:
            found.append(Token(text, text if match["name"] else "", match.start()))
    return found


@lru_cache(maxsize=1024)
def names_tenant_table(sql: str, dialect: str, tables: AbstractSet[str]) -> bool:
    """Whether raw `sql` mentions a tenant's table, or hides what it mentions."""
    try:
        return any(token.name in tables for token in tokens_of(sql, dialect))
    except UnguardedSQL:
        return True


def check_guarded(sql: str, dialect: str, tables: AbstractSet[str], rendered: Rendered) -> None:
    """Prove that every mention of a tenant's table in `sql` is one the guard rendered.

    Raises `UnguardedSQL` where it can't be proved, `CrossTenantWrite` where a row's tenant would
    be set by an UPDATE.
    """
    tokens = _without_subselects(sql, tokens_of(sql, dialect), rendered.subselects)
    inserted: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for at, token in enumerate(tokens):
        if token.name not in tables:
            continue
        before = [t.text for t in tokens[max(0, at - 2) : at]]
        after = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if before[-2:] == ["insert", "into"]:
            inserted[token.name] += 1
        elif before[-1:] == ["update"] or before[-2:] == ["delete", "from"]:
            changed[token.name] += 1
            _check_change(sql, tokens, at, rendered.predicates)
        elif not _is_harmless(before[-1] if before else "", after):
            raise UnguardedSQL(f"SQL names the table {token.name!r} outside the query filter")
    if inserted != rendered.inserted or changed != rendered.changed:
        raise UnguardedSQL("SQL changes other tables than the query filter rendered")
    _check_no_tenant_is_set(tokens)


def _is_harmless(before: str, after: str) -> bool:
    """A column's prefix (`document.id`), an alias (`AS document`), a lock's target (`OF document`)."""
    return (after == "." and before != ".") or before in ("as", "of")


def _without_subselects(sql: str, tokens: list[Token], expected: Counter[str]) -> list[Token]:
    """`tokens` less the filtered subselects, whose number must be what the guard rendered."""
    found: Counter[str] = Counter()
    kept = []
    skip_to = 0
    for token in tokens:
        if token.start < skip_to:
            continue
        if token.text == "(":
            subselect = next((s for s in expected if sql.startswith(s, token.start)), None)
            if subselect is not None:
                found[subselect] += 1
                skip_to = token.start + len(subselect)
                continue
        kept.append(token)
    if found != expected:
        raise UnguardedSQL("the query filter's subselects are not all where they were put")
    return kept


def _check_change(sql: str, tokens: list[Token], target: int, predicates: Counter[str]) -> None:
    """The UPDATE or DELETE of `tokens[target]` is bounded by `WHERE predicate [AND (…)]`.

    Its first WHERE at its own depth must begin with the predicate; what follows must be one group
    in parentheses, after which the statement ends or goes on with RETURNING. So no raw fragment
    can widen it by OR, nor close a parenthesis that it did not open.
    """
    where = _at_same_depth(tokens, target, "where")
    if where is None:
        raise UnguardedSQL("a change of a tenant's table has no WHERE")
    after_where = tokens[where + 1].start if where + 1 < len(tokens) else len(sql)
    predicate = next((p for p in predicates if sql.startswith(p, after_where)), None)
    if predicate is None:
        raise UnguardedSQL("a change of a tenant's table does not begin with the predicate")
    end = after_where + len(predicate)
    rest = [i for i, t in enumerate(tokens) if t.start >= end]
    at = rest[0] if rest else len(tokens)
    if [t.text for t in tokens[at : at + 2]] == ["and", "("]:
        at = _closing(tokens, at + 1) + 1
    if at < len(tokens) and tokens[at].text not in ("returning", ")"):
        raise UnguardedSQL("a fragment reaches out of the condition it was given in")


def _at_same_depth(tokens: list[Token], start: int, word: str) -> int | None:
    depth = 0
    for at in range(start, len(tokens)):
        text = tokens[at].text
        depth += (text == "(") - (text == ")")
        if depth < 0:
            return None
        if depth == 0 and text == word:
            return at
    return None


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at].text == "(") - (tokens[at].text == ")")
        if depth == 0:
            return at
    raise UnguardedSQL("parentheses don't match")


def _check_no_tenant_is_set(tokens: list[Token]) -> None:
    """No SET clause (of UPDATE or of ON CONFLICT DO UPDATE) has tenant_id on its left side.

    A column on the right side always carries its table's name, so a bare one is a target.
    """
    setting = False
    for at, token in enumerate(tokens):
        if token.text == "set":
            setting = True
        elif token.text in ("where", "returning", "from"):
            setting = False
        elif setting and token.name == "tenant_id" and tokens[at - 1].text != ".":
            raise CrossTenantWrite("the tenant of a row can't be changed")
