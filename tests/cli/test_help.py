"""What the help says is enough to use a command by."""

import re

import click
import pytest

from tests.cli.operators import Operator
from tests.cli.test_commands import COMMANDS, below, command_of
from tests.conftest import settings_for

IDS = [" ".join(path) or "portal" for path in COMMANDS]


@pytest.fixture
def operator(tmp_path) -> Operator:
    """Nothing is set up, and nothing needs to be."""
    return Operator(settings_for(tmp_path / "instance"))


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_every_command_and_option_has_a_sentence(path) -> None:
    command = command_of(path)
    assert command.help.strip().endswith(".")
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [o.name for o in options if not (o.help or o.show_default)] == []


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_asking_for_help_makes_nothing(operator, path) -> None:
    operator.do(*path, "--help")
    assert not operator.instance.exists()


@pytest.mark.parametrize("path", [p for p in COMMANDS if below(command_of(p))])
def test_a_group_alone_lists_what_it_holds(operator, path) -> None:
    said = operator(*path, COLUMNS="80")
    assert said.status == 2
    for name, command in below(command_of(path)).items():
        [line] = re.findall(rf"^  {name} +(\S.*)", said.err, re.MULTILINE)
        assert command.help.startswith(line), "cut off in the middle"
