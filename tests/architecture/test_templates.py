"""Templates: every one is used, every one that is asked for is there, and none is unsafe."""

import re
from pathlib import Path

import pytest
from jinja2 import nodes

import portal
from portal.access.permissions import Permission
from portal.web.pages import GROUPS

TOP = Path(portal.__file__).parent.parent
FOLDER = TOP / "templates"
NAMES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))

IN_ARCHIVES = {"index.html"}  # what a file in one is called


def rendered() -> dict[str, set[str]]:
    """The templates that views name, by the group of the view; "web" is for all of them."""
    found: dict[str, set[str]] = {}
    web = TOP / "portal" / "web"
    for path in web.rglob("*.py"):
        named = re.findall(r"\"([\w/]+\.html)\"", path.read_text())
        folders = path.relative_to(web).parts[:-1]
        found.setdefault(folders[0] if folders else "web", set()).update({*named} - IN_ARCHIVES)
    return found


def mailed() -> set[str]:
    """The templates of mails that services name. Each is there as text as well."""
    found = set()
    for path in (TOP / "portal").rglob("*.py"):
        found.update(re.findall(r"send_later\([^,]+,[^,]+,\s*\"(\w+)\"", path.read_text()))
    assert {path.stem for path in (FOLDER / "mail").glob("*.txt")} == found
    return {f"mail/{name}.html" for name in found}


def named_by_templates(app) -> set[str]:
    found = set()
    for name in NAMES:
        tree = app.jinja_env.parse((FOLDER / name).read_text())
        for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
            is_of_mail = name.startswith("mail/")
            found.add(f"mail/{node.template.value}" if is_of_mail else node.template.value)
    return found


@pytest.fixture(scope="module")
def app(installation_on):
    return installation_on("sqlite").app


def test_no_template_is_missing_and_none_is_unused(app) -> None:
    asked_for = set().union(*rendered().values()) | named_by_templates(app) | mailed()
    assert asked_for == set(NAMES)


def test_a_group_of_pages_renders_its_own_templates() -> None:
    groups = {group.name for group in GROUPS}
    for folder, names in rendered().items():
        for name in names:
            owner = name.partition("/")[0] if "/" in name else "web"
            assert owner == folder or (folder == "web" and owner not in groups), (folder, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles_and_has_nothing_inline(app, name) -> None:
    app.jinja_env.get_template(name)
    text = (FOLDER / name).read_text()
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:", text), name
    for script in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL):
        assert not script.strip(), name
    for address in re.findall(r"(?:src|href|action)=\"(https?:)?//", text):
        assert not address, name


@pytest.mark.parametrize("name", NAMES)
def test_every_permission_that_is_asked_for_is_one(name) -> None:
    text = (FOLDER / name).read_text()
    asked = {*re.findall(r"\"([^\"]+)\" in \w+\.permissions", text)}
    asked |= {*re.findall(r"\ballowed\(\"([^\"]+)\"\)", text)}
    assert asked <= {*Permission}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_marked_safe_but_the_drawing_of_a_code(name) -> None:
    marked = re.findall(r"\{\{[^}]*\|\s*safe[^}]*\}\}", (FOLDER / name).read_text())
    assert marked == (["{{ enrolment.qr_svg|safe }}"] if name == "macros/sign_in.html" else [])


@pytest.mark.parametrize("name", NAMES)
def test_every_form_that_changes_something_carries_a_token(name) -> None:
    text = (FOLDER / name).read_text()
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL):
        assert "csrf()" in form or "hidden_tag()" in form, form[:100]
