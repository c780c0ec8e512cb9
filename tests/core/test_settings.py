"""Settings are typed, have a safe default, and are all written down."""

import dataclasses
import re
from pathlib import Path

import pytest

import portal
from portal.core import settings
from portal.core.errors import Misconfigured
from portal.core.settings import Settings

TOP = Path(portal.__file__).parent.parent


NAMES = {f"PORTAL_{field.name.upper()}" for field in dataclasses.fields(Settings)}


def test_every_setting_is_documented_and_no_other() -> None:
    text = (TOP / "docs" / "operators.md").read_text()
    documented = set(re.findall(r"^\| `(PORTAL_\w+)` \|", text, re.MULTILINE))
    assert documented == NAMES
    mentioned = set(re.findall(r"PORTAL_[A-Z0-9_]+", text))
    assert mentioned <= NAMES


def test_the_documented_defaults_are_the_real_ones(monkeypatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    loaded = settings.load()
    text = (TOP / "docs" / "operators.md").read_text()
    for name, default in re.findall(r"^\| `PORTAL_(\w+)` \| `?([^|`]+)`? \|", text, re.MULTILINE):
        value = getattr(loaded, name.lower())
        told = default.strip()
        if isinstance(value, bool):
            assert told == ("on" if value else "off"), name
        elif isinstance(value, int):
            assert told == str(value), name
        elif told not in ("SQLite in the instance", "the same", "none", "instance",
                          "made and kept in the instance"):  # fmt: skip
            assert told == value, name
    assert loaded.instance == Path("instance").absolute()
    assert loaded.database_url == f"sqlite:///{loaded.instance / 'control.db'}"
    assert loaded.owner_database_url == loaded.database_url
    assert not loaded.production


def test_no_setting_shows_a_secret_when_it_is_wrong(monkeypatch) -> None:
    monkeypatch.setenv("PORTAL_THREADS", "none")
    monkeypatch.setenv("PORTAL_SECRET_KEY", "very-secret-value")
    with pytest.raises(Misconfigured) as error:
        settings.load()
    assert "PORTAL_THREADS" in str(error.value) or "THREADS" in str(error.value)
    assert "very-secret-value" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "apex", "address"),
    [
        ("http://localhost:8000", "localhost", "http://acme.localhost:8000"),
        ("https://portal.example", "portal.example", "https://acme.portal.example"),
        ("https://PORTAL.example:8443", "portal.example", "https://acme.portal.example:8443"),
    ],
)
def test_addresses_of_tenants_follow_the_apex(monkeypatch, url, apex, address) -> None:
    monkeypatch.setenv("PORTAL_URL", url)
    loaded = settings.load()
    assert loaded.apex == apex
    assert loaded.address_of(f"acme.{apex}") == address
