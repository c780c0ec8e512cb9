"""The pictures of the documentation, drawn by `make screenshots`."""

from pathlib import Path

import pytest

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
WIDE, NARROW = {"width": 1180, "height": 720}, {"width": 390, "height": 760}
SCENES = [
    ("documents", "Mia Chen", "/documents", WIDE),
    ("phone", "Mia Chen", "/documents", NARROW),
    ("members", "Ada Winter", "/members", WIDE),
    ("group", "Ada Winter", "/groups {Wind vane team}", WIDE),
    ("roles", "Ada Winter", "/roles", WIDE),
    ("access", "Mia Chen", "/documents {Projects} {Access}", WIDE),
    ("why", "Olga Brandt", "/explain?email=grace%40acme.example", WIDE),
    ("review", "Olga Brandt", "/reviews {Who holds what}", WIDE),
    ("audit", "Olga Brandt", "/audit", WIDE),
]


@pytest.mark.screenshots
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("picture", "name", "path", "size"), SCENES)
def test_draw(demo, chromium, signed_in, picture, name, path, size, scheme):
    context = chromium.new_context(
        color_scheme=scheme, viewport=size, storage_state=signed_in(name)
    )
    page = context.new_page()
    address, *links = path.split(" {")
    page.goto(demo.at("acme", address))
    for link in links:
        page.get_by_role("link", name=link.removesuffix("}"), exact=True).first.click()
    page.screenshot(path=PICTURES / f"{picture}-{scheme}.png")
    context.close()
