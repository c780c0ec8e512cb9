"""The program age, where this machine has it: the yardstick for encrypting a file."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Age:
    """A key pair to encrypt for."""

    recipient: str

    def encrypt(self, source: Path, target: Path) -> None:
        """From file to file."""
        subprocess.run(
            ["age", "--encrypt", "--recipient", self.recipient, "--output", target, source],
            check=True,
        )


@contextmanager
def age_keys(folder: Path) -> Iterator[Age | None]:
    """A key pair for the block; None without the program."""
    if shutil.which("age") is None or shutil.which("age-keygen") is None:
        yield None
        return
    keys = folder / "age.key"
    made = subprocess.run(
        ["age-keygen", "--output", keys], check=True, capture_output=True, text=True
    )
    yield Age(made.stderr.rpartition(" ")[2].strip())
    keys.unlink()
