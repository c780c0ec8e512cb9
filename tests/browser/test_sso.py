"""Single sign-on in a real browser: two organisations, each with a real provider of its own."""

import re
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Demo, check_looks, demonstration, enter, watch
from tests.harness.oidc import SECRET, OidcProvider, client, oidc_provider

ADMINS = {"acme": "Ada Winter", "globex": "Gita Moreau"}
NAMES = {"acme": "Acme Login", "globex": "Harbour ID"}
HOSTS = {"acme": "localhost", "globex": "127.0.0.1"}


@dataclass(frozen=True)
class Joined:
    """An organisation, its provider, and its admin's cookies."""

    demo: Demo
    slug: str
    provider: OidcProvider
    admin: dict

    @property
    def name(self) -> str:
        """What the provider is called on the sign-in page."""
        return NAMES[self.slug]

    def at(self, path: str = "/") -> str:
        return self.demo.at(self.slug, path)

    def begin(self, page: Page) -> None:
        """Press the button of the sign-in page."""
        page.goto(self.at("/documents"))
        page.get_by_role("button", name=f"Sign in with {self.name}").click()

    def finish(self, page: Page, account: str) -> None:
        """Say at the provider who it is, and be led back."""
        say_who(page, self.provider, account)
        page.wait_for_url(f"{self.at()}**")

    def sign_in(self, page: Page, account: str) -> None:
        self.begin(page)
        self.finish(page, account)
        expect(page).to_have_url(self.at("/documents"))


def say_who(page: Page, provider: OidcProvider, account: str) -> None:
    page.wait_for_url(f"{provider.issuer}/login/**")
    page.get_by_label("Account").fill(account)
    page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def joined(chromium, tmp_path_factory):
    """The two organisations, each of which offers its provider."""
    with ExitStack() as stack:
        demo = stack.enter_context(demonstration(tmp_path_factory.mktemp("sso")))
        found = {}
        for slug in ADMINS:
            provider = stack.enter_context(oidc_provider(host=HOSTS[slug]))
            provider.register(
                client(
                    "portal",
                    *(demo.at(any_slug, "/sso/callback") for any_slug in ADMINS),
                    post_logout_redirect_uris=[demo.at(slug, "/sso/signed-out")],
                    backchannel_logout_uri=demo.at(slug, "/sso/backchannel-logout"),
                )
            )
            found[slug] = set_up(chromium, demo, slug, provider)
        yield found


def set_up(chromium: Browser, demo: Demo, slug: str, provider: OidcProvider) -> Joined:
    """What an admin does on the pages: enter a provider, test it, offer it."""
    make_account(provider, slug, "tess")
    context = chromium.new_context()
    page = context.new_page()
    complaints = watch(page)
    enter(page, demo.at(slug), demo.person(ADMINS[slug]))
    fill_in(page, demo, slug, NAMES[slug], provider.issuer)
    page.get_by_label("Claim with the groups").fill("groups")
    page.get_by_label("Roles by group").fill("staff = Member\nrevision = Auditor")
    page.get_by_label("second factor").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Run a test sign-in").click()
    say_who(page, provider, "tess")
    expect(page.get_by_role("status")).to_contain_text("It works.")
    expect(page.get_by_role("listitem").filter(has_text="nonce")).to_be_visible()
    would = f"An account would be made for tess@{slug}.example"
    expect(page.get_by_role("main")).to_contain_text(would)
    check_looks(page)
    page.get_by_role("button", name="Offer it").click()
    expect(page.get_by_text("Offered", exact=True)).to_be_visible()
    assert complaints == []
    # Those of the organisation's host alone: the provider is to ask again who it is.
    cookies = [c for c in context.cookies() if c["domain"] == f"{slug}.localhost"]
    context.close()
    return Joined(demo, slug, provider, {"cookies": cookies})


def fill_in(
    page: Page, demo: Demo, slug: str, name: str, issuer: str, secret: str = SECRET
) -> None:
    """Fill in the form of a new provider."""
    page.goto(demo.at(slug, "/sso/new"))
    page.get_by_label("Name").fill(name)
    page.get_by_label("Issuer").fill(issuer)
    page.get_by_label("Client id").fill("portal")
    page.get_by_label("Client secret").fill(secret)
    page.get_by_label("E-mail domains").fill(f"{slug}.example")
    page.get_by_label("Accounts are made for").select_option("member")


def make_account(provider: OidcProvider, slug: str, account: str, **claims: object) -> None:
    given = {
        "email": f"{account}@{slug}.example",
        "email_verified": True,
        "name": account.title(),
        "amr": ["pwd", "otp"],
        "groups": [],
    }
    provider.change_account(account, **given | claims)


@pytest.fixture
def open_page(chromium):
    """Opens browsers that know nothing yet, or hold somebody's cookies; two tabs if need be."""
    contexts, complaints = [], []

    def open_page(cookies=None, beside: Page | None = None) -> Page:
        context = beside.context if beside else chromium.new_context(storage_state=cookies)
        contexts.append(context)
        page = context.new_page()
        complaints.append(watch(page))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [told for of_page in complaints for told in of_page] == []


def test_two_organisations_are_entered_in_one_browser_at_once(joined, open_page) -> None:
    acme, globex = joined["acme"], joined["globex"]
    for there in (acme, globex):
        make_account(there.provider, there.slug, "nora")
    one = open_page()
    other = open_page(beside=one)
    acme.begin(one)
    globex.begin(other)
    globex.finish(other, "nora")
    acme.finish(one, "nora")
    for page, there in ((one, acme), (other, globex)):
        page.goto(there.at("/account"))
        assert f"nora@{there.slug}.example" in page.inner_text("main")
        assert "Member" in page.inner_text("main")


def test_groups_give_a_role_that_is_gone_at_the_next_sign_in(joined, open_page) -> None:
    acme = joined["acme"]
    make_account(acme.provider, "acme", "rosa", groups=["revision"])
    page = open_page()
    acme.sign_in(page, "rosa")
    expect(page.get_by_role("link", name="Audit log")).to_be_visible()
    acme.provider.change_account("rosa", groups=[])
    page = open_page()
    acme.sign_in(page, "rosa")
    expect(page.get_by_role("link", name="Documents").first).to_be_visible()
    expect(page.get_by_role("link", name="Audit log")).to_have_count(0)


@pytest.mark.parametrize("keep_old", [True, False])
def test_new_keys_of_the_provider_need_no_restart(joined, open_page, keep_old) -> None:
    there = joined["acme" if keep_old else "globex"]
    make_account(there.provider, there.slug, "kay")
    there.sign_in(open_page(), "kay")
    there.provider.rotate_keys(keep_old=keep_old)
    there.sign_in(open_page(), "kay")


def test_signing_out_here_leads_to_signing_out_there(joined, open_page) -> None:
    acme = joined["acme"]
    make_account(acme.provider, "acme", "otto")
    page = open_page()
    acme.sign_in(page, "otto")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{acme.provider.issuer}/session/end**")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{acme.at('/sso/signed-out')}**")
    expect(page.get_by_text("Here, and at your identity provider.")).to_be_visible()
    check_looks(page)
    acme.begin(page)
    page.wait_for_url(f"{acme.provider.issuer}/login/**")  # it asks again who it is


def test_signing_out_there_ends_the_session_here(joined, open_page) -> None:
    globex = joined["globex"]
    make_account(globex.provider, "globex", "bea")
    page = open_page()
    globex.sign_in(page, "bea")
    page.goto(f"{globex.provider.issuer}/session/end")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Signed out").wait_for()
    assert globex.provider.deliveries()[-1] == ("portal", "")
    page.goto(globex.at("/documents"))
    page.wait_for_url(f"{globex.at('/auth/sign-in')}**")


def test_a_test_sign_in_shows_which_step_failed(joined, open_page) -> None:
    acme, other = joined["acme"], joined["globex"].provider
    page = open_page(acme.admin)
    fill_in(page, acme.demo, "acme", "Mistyped", other.issuer, secret="mistyped")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Run a test sign-in").click()
    make_account(other, "globex", "tess")
    say_who(page, other, "tess")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("It did not work.")
    expect(alert).to_contain_text("code-refused")
    belongs = page.get_by_role("listitem").filter(has_text="belongs to this browser")
    expect(belongs).to_have_count(1)
    check_looks(page)


def test_a_refusal_is_explained_and_signs_nobody_in(joined, open_page) -> None:
    acme = joined["acme"]
    make_account(acme.provider, "acme", "una", email_verified=False)
    page = open_page()
    acme.begin(page)
    acme.finish(page, "una")
    expect(page.get_by_role("alert")).to_contain_text("verified")
    check_looks(page)
    page.goto(acme.at("/documents"))
    page.wait_for_url(f"{acme.at('/auth/sign-in')}**")


def test_where_it_is_the_only_way_in_broken_glass_lets_an_admin_repair_it(
    joined, open_page
) -> None:
    globex = joined["globex"]
    make_account(globex.provider, "globex", "gita-there")
    page = open_page(globex.admin)
    page.goto(globex.at("/sso/links"))
    page.get_by_role("button", name=f"Link an account at {globex.name}").click()
    say_who(page, globex.provider, "gita-there")
    expect(page.get_by_text(f"You can sign in with {globex.name} from now on.")).to_be_visible()

    codes = enforce(globex, page)
    stranger = open_page()
    stranger.goto(globex.at("/auth/sign-in"))
    assert stranger.get_by_label("E-mail").count() == 0
    page.goto(globex.at("/documents"))
    page.wait_for_url(f"{globex.at('/auth/sign-in')}**")  # came by password, and is out

    stranger.get_by_role("link", name="Break glass").click()
    expect(stranger.get_by_label("Break-glass code")).to_be_visible()
    check_looks(stranger)
    stranger.get_by_label("E-mail").fill(globex.demo.person(ADMINS["globex"])["email"])
    stranger.get_by_label("Break-glass code").fill(codes[0].lower().replace("-", " "))
    stranger.keyboard.press("Enter")
    stranger.wait_for_url(globex.at("/sso"))
    check_looks(stranger)
    for elsewhere in ("/documents", "/members", "/account/password"):
        assert stranger.goto(globex.at(elsewhere)).status == 403, elsewhere
    stranger.goto(globex.at("/sso"))
    stranger.get_by_role("link", name="Allow other ways again").click()
    stranger.get_by_role("button", name="Allow").click()
    expect(stranger.get_by_text("Other ways in are allowed again.")).to_be_visible()
    page.goto(globex.at("/auth/sign-in"))
    expect(page.get_by_label("E-mail")).to_be_visible()
    globex.sign_in(open_page(), "gita-there")


def enforce(there: Joined, page: Page) -> list[str]:
    """Make it the only way in; gives the break-glass codes."""
    page.goto(there.at("/sso"))
    page.get_by_role("link", name="Make it the only way in").click()
    make = page.get_by_role("button", name="Make it the only way in")
    expect(make).to_be_visible()
    check_looks(page)
    make.click()
    codes = page.locator("code.secret")
    expect(codes).to_have_text([re.compile(r"^[A-Z2-7]{10}-[A-Z2-7]{10}$")] * 5)
    check_looks(page)
    return codes.all_inner_texts()
