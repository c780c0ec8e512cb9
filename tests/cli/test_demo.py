"""`portal demo`: a visitor is inside within a minute, and what they did is still there tomorrow."""

import pytest

from portal.auth import samples
from portal.cli import sampling
from tests.cli.conftest import instance_of, one_line


@pytest.fixture
def database() -> str:
    return "sqlite"


def test_the_demonstration_is_made_once_and_completed_if_it_was_cut_off(
    nothing_yet, run_with, monkeypatch
) -> None:
    instance = instance_of(nothing_yet)
    with monkeypatch.context() as patch:
        patch.setattr(sampling, "leave_a_trail", _pull_the_plug)
        assert run_with(nothing_yet, "demo", "--setup-only").status == 1
    assert not samples.is_complete(instance)
    said = run_with(nothing_yet, "demo", "--setup-only")
    assert (said.status, said.err) == (0, "")
    assert samples.is_complete(instance)
    people = samples.read(instance)
    assert {person.tenant_name for person in people} == {"Acme Instruments", "Globex Shipping"}
    assert {"Admin", "Member", "Guest", "Compliance officer"} <= {person.role for person in people}
    assert len({person.password for person in people}) == len(people)
    assert run_with(nothing_yet, "db", "check").status == 0
    again = run_with(nothing_yet, "demo", "--setup-only")
    assert again.status == 0
    assert "adding" not in again.out
    assert list(samples.read(instance)) == list(people)


def _pull_the_plug(*_args: object) -> None:
    raise OSError("pulled the plug")


def test_sample_people_do_not_go_into_a_real_installation(nothing_yet, run_with) -> None:
    run_with(nothing_yet, "db", "upgrade")
    run_with(nothing_yet, "tenant", "create", "initech", "Initech")
    said = run_with(nothing_yet, "demo", "--setup-only")
    assert said.status == 1
    assert "real organisations" in one_line(said)


def test_production_is_no_demonstration(nothing_yet, run_with) -> None:
    said = run_with(nothing_yet | {"PORTAL_PRODUCTION": "1"}, "demo", "--setup-only")
    assert said.status == 1
    assert "PORTAL_DEMO" in said.err
