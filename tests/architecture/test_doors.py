"""Every view declares who may come in, where it can be seen: on the view itself."""

import ast
import inspect
from pathlib import Path

import pytest

import portal
from portal.web.access import STATIC, Declared, Door, declared
from portal.web.fresh import in_fresh_context
from tests.browsing import Visitor
from tests.conftest import on_sqlite

WEB = Path(portal.__file__).parent / "web"
MODULES = sorted([*WEB.glob("*/*.py"), *WEB.glob("*/*/*.py")])
DOORS = {
    "probe",
    "apex",
    "anywhere",
    "public",
    "by_link",
    "half_signed_in",
    "any_session",
    "signed_in",
    "requires",
}
MORE = {
    "discloses",
    "streams_body",
    "freshly",
    "finishes_ceremony",
    "repairs",
    "by_programs",
    "reads_form",
}
METHODS = {"route", "get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def app(installation_on):
    return installation_on("sqlite").app


def test_every_address_leads_to_a_declared_view(app) -> None:
    lacking = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not isinstance(declared(app.view_functions[rule.endpoint]), Declared)
    ]
    assert lacking == []


def test_every_view_is_reached_by_an_address(app) -> None:
    assert set(app.view_functions) == {rule.endpoint for rule in app.url_map.iter_rules()}


def name_of(decorator: ast.expr) -> str:
    while isinstance(decorator, ast.Call):
        decorator = decorator.func
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


VIEWS = [
    pytest.param(view, id=f"{path.relative_to(WEB).parts[0]}.{view.name}")
    for path in MODULES
    for view in ast.parse(path.read_text()).body
    if isinstance(view, ast.FunctionDef) and METHODS & set(map(name_of, view.decorator_list))
]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_one_door_below_its_address(view) -> None:
    """A door that stood above the address would be left out of what Flask calls."""
    names = [name_of(decorator) for decorator in view.decorator_list]
    assert len(DOORS.intersection(names)) == 1, names
    [door] = [number for number, name in enumerate(names) if name in DOORS]
    assert max(number for number, name in enumerate(names) if name in METHODS) < door
    assert MORE.intersection(names[door + 1 :]) == set()
    assert ast.get_docstring(view)


def test_permissions_stand_behind_a_complete_sign_in(app) -> None:
    for endpoint, view in app.view_functions.items():
        declaration = declared(view)
        if declaration.permission or declaration.discloses or declaration.streams_body:
            assert declaration.door in (Door.SIGNED_IN, Door.BY_LINK), endpoint
            assert declaration.door is Door.SIGNED_IN or not declaration.permission, endpoint
        if declaration.door is Door.ANYWHERE and endpoint not in STATIC:
            assert endpoint.startswith("home."), endpoint


def test_what_is_open_by_a_link_asks_for_the_visit_first(app) -> None:
    by_link = [view for view in app.view_functions.values() if declared(view).door is Door.BY_LINK]
    assert len(by_link) > 5
    for view in by_link:
        tree = ast.parse(inspect.getsource(inspect.unwrap(view))).body[0]
        calls = [node for node in ast.walk(tree.body[1]) if isinstance(node, ast.Call)]
        assert "present_visit" in {getattr(call.func, "id", "") for call in calls}, view


@on_sqlite
def test_a_view_without_a_declaration_is_never_run(portal_with, acme) -> None:
    called = []
    other = portal_with()
    other.app.add_url_rule("/forgotten", "home.forgotten", lambda: called.append(1) or "in")
    visitor = Visitor(in_fresh_context(other.app), acme.host)
    visitor.take("session", acme["admin"].token)
    assert visitor.get("/forgotten").status_code == 500
    assert called == []
