"""What holds the code in shape: who imports whom, which names are whose."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import portal
from portal.web.pages import GROUPS

TOP = Path(portal.__file__).parent.parent
MODULES = sorted((TOP / "portal").rglob("*.py"))


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_commits_but_the_ends_of_a_unit_of_work() -> None:
    """The web's lifecycle and the commands; and what must last whatever happens to its caller."""
    allowed = {
        "web/lifecycle.py",
        "audit/tlog/numbering.py",  # grave entries are numbered after their act was committed
        "cli/context.py",
        "cli/feeding.py",  # what a destination took need not be sent again
        "cli/keeping_log.py",
        "cli/rewrapping.py",
        "cli/sample_documents.py",
        "cli/sample_people.py",
        "cli/sweeping.py",
        "cli/verifying.py",  # what was read of a round need not be read again
        "outbox/service.py",  # a job is claimed before it is tried
        "auth/attempts.py",  # a try is counted before it is checked
        "auth/ceremonies.py",  # one that goes wrong is used up as well
        "documents/quotas.py",  # room is taken before the content comes that is to fill it
        # what is acknowledged of an upload that can be resumed is durable
        "documents/resumable/service.py",
        "documents/resumable/leases.py",
        "documents/resumable/finishing.py",
        "documents/resumable/ending.py",
        "web/ongoing.py",  # a download is ended, long after its request was
        "web/step_up.py",  # a proof is given, whatever becomes of the form that asked for it
        "tenancy/migrations.py",
    }
    found = {
        str(path.relative_to(TOP / "portal"))
        for path in MODULES
        if re.search(r"\.commit\(\)", path.read_text())
        and "writer.commit()" not in path.read_text()
    }
    assert found <= allowed, found - allowed


def test_services_never_see_a_request() -> None:
    for path in MODULES:
        below = path.relative_to(TOP / "portal").parts[0]
        if below not in ("web", "cli", "app.py", "bare.py", "command.py", "tenancy", "__main__.py"):
            assert "flask" not in path.read_text().lower().replace("flask-sqlalchemy", ""), path


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_group_of_pages_is_named_alike_everywhere(group) -> None:
    """First segment of the address = blueprint = folder of views = folder of templates."""
    assert group.import_name.rpartition(".")[0] == f"portal.web.{group.name}"
    assert group.url_prefix == (None if group.name == "home" else f"/{group.name}")
    assert (TOP / "templates" / group.name).is_dir()


def test_every_address_is_in_kebab_case_and_its_parameters_have_types(installation_on) -> None:
    for rule in installation_on("sqlite").app.url_map.iter_rules():
        for part in re.sub(r"<[^>]*>", "", rule.rule).split("/"):
            assert re.fullmatch(r"[a-z-]*", part), rule.rule
        for parameter in re.findall(r"<([^>]*)>", rule.rule):
            assert parameter == "token" or parameter.startswith(("uuid:", "path:", "key:")), (
                rule.rule
            )


def test_where_md_leads_to_what_is_there() -> None:
    text = (TOP / "docs" / "where.md").read_text()
    paths = re.findall(r"`((?:portal|tests|migrations|templates|static|bench|docs)/[^`<]*)`", text)
    assert len(paths) > 30
    assert [path for path in paths if not (TOP / path).exists()] == []


def test_every_module_says_what_it_is_for() -> None:
    lacking = [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [str(path) for path in lacking if path.name != "__main__.py"] == []
