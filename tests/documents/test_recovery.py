"""docs/recovery.md is done as it is written, on what a portal on either database has stored."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from textwrap import dedent
from typing import NamedTuple
from uuid import UUID

import pytest

from portal.documents.cipher import PART
from portal.keys.local import LocalKeys
from tests.installation import Organisation

PAGE = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text()
CONTENT = Random(9).randbytes(PART + 70_000)  # noqa: S311  # the same in each run


def block(kind: str) -> str:
    [found] = re.findall(rf"^( *)```{kind}\n(.*?)^\1```", PAGE, re.MULTILINE | re.DOTALL)
    return dedent(found[1])


class Case(NamedTuple):
    """What somebody has at hand who recovers a document."""

    row: dict
    blob: Path
    root_key: str


def case_of(organisation: Organisation, document: UUID, number: int) -> Case:
    portal = organisation.portal
    statement = block(f"sql {portal.name}").replace(":document", f"'{document}'")
    [found] = [row for (row,) in portal.ask(statement, organisation)][number - 1 : number]
    row = found if isinstance(found, dict) else json.loads(found)
    blob = portal.blob_path({"id": UUID(row["version"]), "tenant_id": UUID(row["tenant"])})
    keys = json.loads((portal.settings.instance / "keys.json").read_text())
    return Case(row, blob, keys["tenants"][str(organisation.id)])


@pytest.fixture
def document(acme) -> UUID:
    """A document of two versions, the second of two parts."""
    member = acme.visit("member")
    made = member.upload("long.bin", b"first").json["id"]
    assert member.put(f"/documents/{made}/versions", CONTENT).status_code == 201
    return UUID(made)


def recover(case: Case, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "recover.py").write_text(block("python"))
    (folder / "row.json").write_text(json.dumps(case.row))
    return subprocess.run(
        [sys.executable, "-I", "recover.py", "row.json", case.blob, "recovered"],
        cwd=folder,
        input=f"{case.root_key}\n",
        start_new_session=True,  # without a terminal to ask for the key
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_version_is_recovered_with_the_library_alone(acme, document, tmp_path) -> None:
    for number, content in enumerate((b"first", CONTENT), 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = recover(case_of(acme, document, number), folder)
        assert done.returncode == 0, done.stderr
        assert (folder / "recovered").read_bytes() == content
    tree = ast.parse(block("python"))
    named = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named += [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    outside = {name.partition(".")[0] for name in named} - sys.stdlib_module_names
    assert outside == {"cryptography"}
    assert len(block("python").splitlines()) <= 60, "longer than a page"


def test_a_seed_that_another_provider_unwrapped_does_as_well(acme, document, tmp_path) -> None:
    case = case_of(acme, document, 1)
    wrapped = bytes.fromhex(case.row["wrapped_seed"])
    provider = LocalKeys(acme.portal.settings.instance / "keys.json")
    seed = provider.unwrap(acme.id, case.row["seed_version"], wrapped)
    done = recover(Case(case.row | {"seed": seed.hex()}, case.blob, ""), tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "recovered").read_bytes() == b"first"


@pytest.mark.parametrize("wrong", ["version", "tenant", "key", "blob", "cut", "longer", "size"])
def test_nothing_is_recovered_from_what_does_not_belong_together(
    acme, globex, document, tmp_path, wrong
) -> None:
    case = case_of(acme, document, 2)
    sealed = case.blob.read_bytes()
    changed = {
        "version": case._replace(row=case.row | {"version": str(document)}),
        "tenant": case._replace(row=case.row | {"tenant": str(globex.id)}),
        "key": case._replace(root_key=case_of(globex, globex.documents["plan"], 1).root_key),
        "blob": case._replace(blob=case_of(acme, document, 1).blob),
        "size": case._replace(row=case.row | {"size_bytes": len(CONTENT) - 1}),
    }.get(wrong, case._replace(blob=tmp_path / "blob"))
    (tmp_path / "blob").write_bytes(sealed[:-20_000] if wrong == "cut" else sealed + bytes(20_000))
    done = recover(changed, tmp_path)
    assert done.returncode != 0
    assert "InvalidTag" in done.stderr or "not the blob of that row" in done.stderr
