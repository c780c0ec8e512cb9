"""Every page in a real browser: accessible, within its policy, at every width, light and dark."""

import re
from urllib.parse import urlencode

import pytest

from tests.browser.conftest import check_looks, watch
from tests.harness.browser import axe_violations

MEMBER, ADMIN, OFFICER, GUEST = "Mia Chen", "Ada Winter", "Olga Brandt", "Grace Okafor"
ANOTHER_POLICY = urlencode(
    {
        "mfa_for": "nobody",
        "factors": "totp",
        "grace_days": 0,
        "idle_minutes": 9,
        "absolute_hours": 9,
        "password_min_length": 9,
    }
)
BETWEEN = 780  # tables are at their narrowest before their rows become lines

# Who looks at what; `{link text}` is a page that one gets to by that link from the page before it.
PAGES = [
    (None, "/auth/sign-in"),
    (None, "/auth/forgot"),
    (None, "/auth/passkeys/sign-in"),
    (None, "/auth/invitations/no-such-link"),
    (None, "/auth/resets/no-such-link"),
    (MEMBER, "/documents"),
    (MEMBER, "/documents?sort=-name"),
    (MEMBER, "/documents/starred"),
    (MEMBER, "/documents/recent"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Rename}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Move}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Delete}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Preview}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Copy}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Note on version 1}"),
    (MEMBER, "/documents {Projects} {Wind vane} {Rename this folder}"),
    (MEMBER, "/documents {Projects} {Wind vane} {Move this folder}"),
    (MEMBER, "/documents {Projects} {Wind vane} {Delete this folder}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Access}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Access}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Share by link}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Ask for files}"),
    (MEMBER, "/documents {Projects} {Tide gauge} {Requirements.md} {Share by link}"),
    (MEMBER, "/links"),
    (ADMIN, "/links/everybody"),
    (ADMIN, "/policy/links"),
    (ADMIN, "/policy/documents"),
    (None, "/shared"),
    (MEMBER, "/documents/trash"),
    (MEMBER, "/account"),
    (MEMBER, "/account/activity"),
    (MEMBER, "/account/password"),
    (MEMBER, "/account/security"),
    (MEMBER, "/account/security {Add a passkey}"),
    (MEMBER, "/account/security {Add an authenticator}"),
    (MEMBER, "/account/security {Rename Authenticator}"),
    (MEMBER, "/account/security {Remove Authenticator}"),
    (MEMBER, "/account/security {Make recovery codes}"),
    (MEMBER, "/auth/step-up"),
    (None, "/sso/break-glass"),
    (None, "/sso/callback"),
    (None, "/sso/signed-out"),
    (MEMBER, "/sso/links"),
    (MEMBER, "/documents/search"),
    (MEMBER, "/audit"),
    (MEMBER, "/no-such-page"),
    (ADMIN, "/members"),
    (ADMIN, "/members?q=nobody+of+this+name"),
    (ADMIN, "/members {Tomas Rivera}"),
    (ADMIN, "/explain?folder-at="),
    (ADMIN, "/members {Tomas Rivera} {Deactivate}"),
    (ADMIN, "/members {Tomas Rivera} {Remove}"),
    (ADMIN, "/members {Tomas Rivera} {End date of}"),
    (ADMIN, "/members {Grace Okafor} {Projects / Tide gauge}"),
    (ADMIN, "/members {Grace Okafor} {Projects / Tide gauge} {Remove Guest from Grace}"),
    (ADMIN, "/members {Grace Okafor} {Projects / Tide gauge} {Change the end of Guest}"),
    (ADMIN, "/members {Mia Chen} {End all}"),
    (ADMIN, "/members/new"),
    (ADMIN, "/groups"),
    (ADMIN, "/groups?q=none+of+this+name"),
    (ADMIN, "/groups/new"),
    (ADMIN, "/groups {Wind vane team}"),
    (ADMIN, "/groups {Wind vane team} {Rename}"),
    (ADMIN, "/groups {Wind vane team} {Add people}"),
    (ADMIN, "/groups {Wind vane team} {End date of Guest}"),
    (ADMIN, "/groups {Wind vane team} {Remove Guest}"),
    (ADMIN, "/groups {Wind vane team} {Remove Tomas Rivera}"),
    (ADMIN, "/groups {Wind vane team} {Who fills it}"),
    (ADMIN, "/groups {Wind vane team} {Delete}"),
    (OFFICER, "/groups {Wind vane team}"),
    (ADMIN, "/approvals"),
    (ADMIN, "/requests"),
    (MEMBER, "/requests"),
    (ADMIN, "/roles"),
    (ADMIN, "/roles/member"),
    (ADMIN, "/roles/new"),
    (ADMIN, "/roles/new?copy=auditor"),
    (ADMIN, "/roles/exclusive"),
    (ADMIN, "/roles/exclusive {Remove}"),
    (ADMIN, "/roles {Archivist}"),
    (ADMIN, "/roles {Archivist} {Change}"),
    (ADMIN, "/roles {Archivist} {Retire}"),
    (OFFICER, "/roles/auditor"),
    (ADMIN, "/policy"),
    (ADMIN, f"/policy/preview?{ANOTHER_POLICY}"),
    (ADMIN, "/policy/people"),
    (ADMIN, "/policy/people?short=1"),
    (OFFICER, "/policy"),
    (OFFICER, "/keys"),
    (ADMIN, "/keys {Close the organisation}"),
    (OFFICER, "/closing"),
    (ADMIN, "/sso"),
    (ADMIN, "/sso/new"),
    (ADMIN, "/sso/enforce"),
    (ADMIN, "/sso/release"),
    (OFFICER, "/reviews"),
    (OFFICER, "/reviews/new"),
    (OFFICER, "/reviews/verify"),
    (OFFICER, "/reviews {Who holds what}"),
    (OFFICER, "/reviews {Who holds what} {All lines}"),
    (OFFICER, "/reviews {Who holds what} {All lines} {Grace Okafor}"),
    (OFFICER, "/reviews {Who holds what} {Call off}"),
    (MEMBER, "/reviews"),
    (MEMBER, "/reviews {Who holds what}"),
    (MEMBER, "/reviews {Who holds what} {One after another}"),
    (OFFICER, "/explain"),
    (OFFICER, "/explain?email=nobody%40acme.example"),
    (OFFICER, "/members {Tomas Rivera} {Why can they?}"),
    (OFFICER, "/explain/reach"),
    (MEMBER, "/explain/own?permission=audit%3Aread"),
    (ADMIN, "/members/import"),
    (OFFICER, "/retention"),
    (OFFICER, "/retention/rules/new"),
    (OFFICER, "/retention/rules {Change Kept for ten years}"),
    (OFFICER, "/retention/rules {Delete Kept for ten years}"),
    (OFFICER, "/retention/holds"),
    (OFFICER, "/retention/holds/new"),
    (OFFICER, "/retention/holds {Supplier dispute}"),
    (OFFICER, "/retention/holds {Supplier dispute} {Release}"),
    (OFFICER, "/retention/next-run"),
    (OFFICER, "/members {Mia Chen} {Place a hold}"),
    (OFFICER, "/retention/erasures"),
    (ADMIN, "/members {Mia Chen} {Ask for erasure}"),
    (MEMBER, "/documents/trash {Delete for good}"),
    (OFFICER, "/audit"),
    (OFFICER, "/health"),
    (OFFICER, "/audit?action=sign-in.succeeded&outcome=refused"),
    (OFFICER, "/audit/exports"),
    (OFFICER, "/audit/proof"),
    (OFFICER, "/reports"),
    (OFFICER, "/reports/controls"),
    (MEMBER, "/reports/own"),
    (OFFICER, "/audit?action=sign-in.succeeded {Somebody signed in}"),
    (OFFICER, "/alerts"),
    (OFFICER, "/alerts {The operator let somebody in}"),
    (OFFICER, "/alerts/rules"),
    (OFFICER, "/alerts/rules/new"),
    (OFFICER, "/alerts/rules {Change Many downloads by one person}"),
    (OFFICER, "/alerts/rules {Switch off Many downloads by one person}"),
    (OFFICER, "/alerts/hours"),
    (OFFICER, "/audit/retention"),
    (OFFICER, "/audit/retention/edit"),
    (OFFICER, "/audit/destinations"),
    (OFFICER, "/audit/destinations {Mail}"),
    (OFFICER, "/audit/destinations {Syslog}"),
    (OFFICER, "/audit/destinations {Object store}"),
    (OFFICER, "/audit/destinations {Security monitoring}"),
    (OFFICER, "/audit/destinations {Security monitoring} {Change}"),
    (OFFICER, "/audit/destinations {Security monitoring} {Delete}"),
    (OFFICER, "/audit/destinations {Security monitoring} {Go on from another number}"),
    (OFFICER, "/audit/destinations {Security monitoring} {Make a new secret}"),
    (OFFICER, "/audit/charts?last=24h"),
    (OFFICER, "/audit/live"),
    (OFFICER, "/audit/searches"),
    (OFFICER, "/audit?last=24h {Save this search}"),
    (OFFICER, "/members {Mia Chen} {Timeline}"),
    (GUEST, "/documents"),
    (GUEST, "/account"),
]


class Screens:
    """A page for each person, opened once, and where the ways led that they have gone."""

    def __init__(self, demo, chromium, signed_in):
        self._demo, self._chromium, self._signed_in = demo, chromium, signed_in
        self._pages, self._places = {}, {}

    def show(self, name, way):
        """Somebody's page at the end of a way, and what it complains about from now on."""
        if name not in self._pages:
            state = self._signed_in(name) if name else None
            page = self._chromium.new_context(storage_state=state).new_page()
            self._pages[name] = page, watch(page)
        page, complaints = self._pages[name]
        complaints.clear()
        page.set_viewport_size({"width": 1280, "height": 800})  # where all links show
        before, _, last = way.rpartition(" {")
        if before:
            if (name, before) not in self._places:
                follow(page, self._demo, before)
                self._places[name, before] = page.url
            page.goto(self._places[name, before])
            click(page, last.rstrip("}"))
        else:
            follow(page, self._demo, way)
        return page, complaints

    def close(self):
        for page, _ in self._pages.values():
            page.context.close()


@pytest.fixture(scope="module")
def screens(demo, chromium, signed_in):
    made = Screens(demo, chromium, signed_in)
    yield made
    made.close()


@pytest.mark.parametrize(("name", "way"), PAGES, ids=str)
def test_a_page_is_accessible_and_fits(screens, name, way):
    page, complaints = screens.show(name, way)

    check_looks(page)
    page.set_viewport_size({"width": BETWEEN, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= BETWEEN
    assert complaints == []


def follow(page, demo, way):
    """Go to an address and from there by links, each in braces."""
    path, *links = re.split(r" \{|\} ?\{?", way.rstrip("}"))
    page.goto(demo.at("acme", path))
    for link in links:
        click(page, link)


def click(page, link):
    page.get_by_role("link", name=link).first.click()
    page.wait_for_load_state()


def test_the_first_page_is_accessible_too(demo, page):
    page.goto(demo.url)

    assert axe_violations(page) == []


def test_many_places_are_a_menu_where_it_is_narrow(demo, chromium, signed_in):
    context = chromium.new_context(
        storage_state=signed_in(OFFICER),
        viewport={"width": 360, "height": 800},
        java_script_enabled=False,
    )
    page = context.new_page()
    page.goto(demo.at("acme", "/audit"))
    main, reports = page.get_by_label("Main"), page.get_by_role("link", name="Reports")

    assert page.locator("header").bounding_box()["height"] < 140
    assert not reports.is_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert reports.is_visible()
    assert not main.get_by_text("Menu").is_visible()

    page.set_viewport_size({"width": 360, "height": 800})
    main.get_by_text("Menu").focus()
    page.keyboard.press("Enter")
    reports.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/reports")
    context.close()


def test_a_box_that_has_the_focus_shows_it(demo, chromium, signed_in):
    page = chromium.new_context(storage_state=signed_in(MEMBER)).new_page()
    page.goto(demo.at("acme", "/documents"))
    box = page.get_by_label("Choose Projects")
    outline = "box => getComputedStyle(box).outlineStyle"

    assert box.evaluate(outline) == "none"
    page.get_by_label("All on this page").focus()
    while not box.evaluate("box => box === document.activeElement"):
        page.keyboard.press("Tab")
    assert box.evaluate(outline) == "solid"
    page.context.close()
