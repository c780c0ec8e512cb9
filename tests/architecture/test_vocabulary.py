"""The words of the portal: every one explained, none twice, none without use."""

import importlib
import pkgutil
import re
from enum import StrEnum
from pathlib import Path

import pytest

import portal
from portal.access.permissions import BUILT_IN, Permission
from portal.audit.actions import Action

PACKAGE = Path(portal.__file__).parent
CODE = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
USED = set(re.findall(r"\b(\w+)\.([A-Z][A-Z0-9_]*)\b", CODE))


def vocabularies() -> list[type[StrEnum]]:
    """Every enumeration of ours whose members carry a sentence, found in the code itself."""
    found = set()
    for module in pkgutil.walk_packages([str(PACKAGE)], "portal."):
        if not module.name.endswith("__main__"):
            members = vars(importlib.import_module(module.name)).values()
            found |= {
                thing
                for thing in members
                if isinstance(thing, type)
                and issubclass(thing, StrEnum)
                and thing.__module__.startswith("portal.")
            }
    return sorted(
        (thing for thing in found if "sentence" in thing.__annotations__),
        key=lambda thing: thing.__name__,
    )


VOCABULARIES = vocabularies()
WORDS = [word for vocabulary in VOCABULARIES for word in vocabulary]


def test_actions_and_permissions_are_vocabularies() -> None:
    assert {Action, Permission} <= set(VOCABULARIES)


def test_every_word_has_a_sentence_for_people() -> None:
    for word in WORDS:
        assert re.fullmatch(r"[A-Z][a-z ,;'’-]+[a-z]", word.sentence), word.sentence
        assert len(word.sentence) < 80, word.sentence


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_no_sentence_is_told_of_two_words(vocabulary) -> None:
    sentences = [word.sentence for word in vocabulary]
    assert len(sentences) == len(set(sentences))


def test_a_permission_is_named_resource_and_act() -> None:
    for word in Permission:
        assert re.fullmatch(r"[a-z]+:[a-z]+", word), word
        assert word.name == word.value.replace(":", "_").upper()


def test_an_action_is_named_subject_and_what_befell_it() -> None:
    for word in Action:
        assert re.fullmatch(r"[a-z-]+\.[a-z-]+", word), word
        assert len(word) <= 60, f"{word!r} is longer than the column"


def test_every_word_is_used() -> None:
    """In the code, not only in its list."""
    for word in WORDS:
        uses = {(type(word).__name__, word.name), ("P", word.name)}
        assert uses & USED, f"{word!r} tells of what never happens"


def test_every_role_is_explained_and_every_permission_in_one() -> None:
    for role in BUILT_IN.values():
        assert role.sentence
        assert role.name[0].isupper()
    assert set().union(*(role.permissions for role in BUILT_IN.values())) == set(Permission)
