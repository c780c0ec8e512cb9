"""The sample people of a demonstration, kept in the instance folder for the first page to show.

Their passwords and secrets are made at random for each installation and are shown to whoever asks:
that is what a demonstration is for. Production refuses to run one.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyotp

from portal.core.settings import active

FILE_NAME = "samples.json"


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Somebody a visitor can sign in as."""

    tenant_name: str
    host: str
    name: str
    role: str
    email: str
    password: str
    totp_secret: str

    @property
    def address(self) -> str:
        """Where the person signs in."""
        return active().address_of(self.host)

    @property
    def code(self) -> str:
        """The code of this moment."""
        return pyotp.TOTP(self.totp_secret).now()

    @property
    def seconds_left(self) -> int:
        """How long `code` goes on being the present one."""
        return 30 - int(time.time()) % 30


def write(instance: Path, people: Sequence[SamplePerson], *, is_complete: bool) -> None:
    """Keep the sample people, for the owner of the instance to read."""
    unfinished = instance / f"{FILE_NAME}.new"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"complete": is_complete, "people": [asdict(p) for p in people]}, file, indent=1)
    unfinished.replace(instance / FILE_NAME)


def read(instance: Path) -> Sequence[SamplePerson]:
    """The sample people, or none where there was never a demonstration."""
    return [SamplePerson(**entry) for entry in _kept(instance)["people"]]


def is_complete(instance: Path) -> bool:
    """Whether all sample data was made."""
    return bool(_kept(instance)["complete"])


def _kept(instance: Path) -> dict[str, Any]:
    path = instance / FILE_NAME
    if not path.exists():
        return {"complete": False, "people": []}
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept
