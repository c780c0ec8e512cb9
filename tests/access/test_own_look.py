"""No role and no group is called what could be taken for a built-in role."""

import pytest

from tests.access.groups import teams
from tests.access.own_roles import READS, made, make
from tests.conftest import on_sqlite

pytestmark = on_sqlite

ALIKE = [
    "\u0410dmin", "Adm\u0456n", "\u0391dmin", "\uff21dmin", "\u00c1dmin", "Adm\u0131n", "ad-min",
]  # fmt: skip
OWN = ["Отдел HR", "Кадры", "東京チーム A", "Φίλοι", "Möller & Söhne", "Admins' helpers", "R²"]


@pytest.mark.parametrize("name", ALIKE)
def test_what_looks_like_a_built_in_role_is_no_name(acme, name) -> None:
    assert make(acme.visit("admin"), *READS, name=name).status_code in (400, 409)
    answer = acme.visit("admin").post("/groups/new", {"name": name, "sentence": ""})
    assert answer.status_code in (400, 409)


@pytest.mark.parametrize("name", OWN)
def test_names_of_any_script_are_fine(acme, name) -> None:
    made(acme, *READS, name=name)
    teams.make(acme, name)
