"""A SoftHSM2 token for the tests: a hardware module in software, in a folder of its own.

`PORTAL_TEST_SOFTHSM` names its library; else the distribution's is taken (Debian: `libsofthsm2`
and `softhsm2`), else Debian's packages are fetched and unpacked, which needs no root.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

LIBRARY = "libsofthsm2.so"
PLACES = ("/usr/lib/softhsm", "/usr/lib64/softhsm", "/usr/local/lib/softhsm", "/opt/homebrew/lib")
PACKAGES = ("libsofthsm2", "softhsm2", "softhsm2-common")
LABEL, PIN = "tenants", "4711-of-the-tests"
CONFIG = "SOFTHSM2_CONF"


@dataclass(frozen=True)
class SoftHsm:
    """A token, reached by a module."""

    module: Path
    folder: Path

    @property
    def settings(self) -> dict[str, object]:
        return {"pkcs11_module": self.module, "pkcs11_token": LABEL, "pkcs11_pin": PIN}

    @contextmanager
    def taken_out(self) -> Iterator[None]:
        """The token is not there for the block."""
        away = self.folder.with_name("elsewhere")
        self.folder.rename(away)
        self.folder.mkdir()
        try:
            yield
        finally:
            self.folder.rmdir()
            away.rename(self.folder)


@contextmanager
def softhsm_token(folder: Path) -> Iterator[SoftHsm]:
    """A new token for the block; the process's environment says where. Skips where none can be."""
    module, tool = _find(folder)
    tokens = folder / "tokens"
    tokens.mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIG, str(config))
        init = ["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN]
        subprocess.run([tool, "--module", module, *init], check=True, capture_output=True)
        yield SoftHsm(module, tokens)


def _find(folder: Path) -> tuple[Path, Path]:
    if given := os.environ.get("PORTAL_TEST_SOFTHSM"):
        return _pair(Path(given).parent)
    for place in map(Path, PLACES):
        if (place / LIBRARY).exists() and shutil.which("softhsm2-util"):
            return _pair(place)
    return _fetch(folder)


def _pair(place: Path) -> tuple[Path, Path]:
    tool = shutil.which("softhsm2-util") or place.parents[1] / "bin/softhsm2-util"
    return place / LIBRARY, Path(tool)


def _fetch(folder: Path) -> tuple[Path, Path]:
    if not shutil.which("apt-get"):
        pytest.skip("SoftHSM2 is not installed, and there is no apt-get to fetch it by")
    packed, unpacked = folder / "packages", folder / "unpacked"
    packed.mkdir()
    fetched = subprocess.run(
        ["apt-get", "download", "-qq", *PACKAGES], cwd=packed, capture_output=True, check=False
    )
    if fetched.returncode:
        pytest.skip("SoftHSM2 is not installed, and apt-get could not fetch it")
    for package in packed.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, unpacked], check=True)
    return _pair(unpacked / "usr/lib/softhsm")
