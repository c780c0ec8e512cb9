"""Every command explains itself, and wrong usage is told apart from what went wrong."""

from importlib.metadata import version

import click
import pytest

from portal.cli import portal as root


def below(command: click.Command) -> dict[str, click.Command]:
    """What a group holds, by name; nothing of any other command."""
    if not isinstance(command, click.Group):
        return {}
    context = click.Context(command)
    names = command.list_commands(context)
    return {name: command.get_command(context, name) for name in names}


def all_commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name, inner in below(command).items():
        found += all_commands(inner, (*path, name))
    return found


def command_of(path: tuple[str, ...]) -> click.Command:
    found = root
    for name in path:
        found = below(found)[name]
    return found


COMMANDS = all_commands(root)


@pytest.fixture
def database() -> str:
    return "sqlite"


def test_these_are_all_commands() -> None:
    leaves = {" ".join(path) for path in COMMANDS}
    assert leaves == {
        "", "db", "db upgrade", "db check",
        "tenant", "tenant create", "tenant list", "tenant suspend", "tenant resume",
        "tenant release-sso", "tenant close",
        "user", "user invite", "user reset-mfa", "user reset-password", "user audit-passwords",
        "key", "key status", "key rotate", "key rewrap", "key move-provider", "key destroy",
        "key verify-certificate",
        "blobs", "blobs list", "blobs move", "blobs clear", "document", "document verify",
        "audit", "audit check", "audit export", "audit gaps", "audit prune", "audit verify",
        "serve", "worker", "demo",
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "portal")
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself_without_an_installation(run_with, path, option) -> None:
    said = run_with({"PORTAL_INSTANCE": "/nowhere/at/all"}, *path, option)
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("Usage: ")
    sentence = (command_of(path).help or "").split("\n\n")[0].replace("\n", " ")
    assert sentence
    assert " ".join(said.out.split()).count(" ".join(sentence.split())[:50]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("tenant", "nonsense"),
        ("tenant", "create"),
        ("tenant", "create", "a"),
        ("tenant", "create", "abc", "Abc", "--placement", "moon"),
        ("user", "invite", "a@b.example", "A"),
        ("serve", "--port", "high"),
        ("serve", "--port", "65536"),
        ("audit", "verify", "/nowhere/at/all"),
        ("worker", "--twice"),
    ],
)
def test_wrong_usage_is_status_2(run_with, words) -> None:
    said = run_with({}, *words)
    assert said.status == 2
    assert "Usage:" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "env",
    [
        {"PORTAL_INSTANCE": "/proc/nowhere"},
        {"PORTAL_DATABASE_URL": "postgresql+psycopg://nobody:x@127.0.0.1:9/nowhere"},
    ],
)
@pytest.mark.parametrize("words", [("tenant", "list"), ("db", "check"), ("worker", "--once")])
def test_what_went_wrong_is_one_line_and_status_1(run_with, tmp_path, env, words) -> None:
    said = run_with({"PORTAL_INSTANCE": str(tmp_path)} | env, *words)
    assert said.status == 1
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1, said.err


def test_a_database_without_a_schema_is_told_with_the_command_that_makes_it(
    run_with, tmp_path
) -> None:
    said = run_with({"PORTAL_INSTANCE": str(tmp_path)}, "tenant", "list")
    assert (said.status, said.out) == (1, "")
    assert "`portal db upgrade` may be due" in said.err


def test_the_version_can_be_asked_for(run_with) -> None:
    said = run_with({}, "--version")
    assert (said.status, said.out) == (0, f"portal {version('tenant-portal')}\n")
