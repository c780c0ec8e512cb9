"""Where a visitor may be sent: a path on this very host, by every browser's reading of it."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.urls import local_path

HERE = "https://acme.portal.example/auth/sign-in"
tricks = st.text(
    alphabet=st.sampled_from("/\\:?#@.%&=\t\r\n \0abhtpsjvcri0123\u2044\u3002\uff0f"), max_size=30
)


def as_browsers_read(address: str) -> str:
    """WHATWG URL: control characters and tabs vanish, backslashes are slashes."""
    read = address.strip("".join(map(chr, range(33)))).translate({9: None, 10: None, 13: None})
    path_start = min((i for i in (read.find("?"), read.find("#")) if i >= 0), default=len(read))
    return read[:path_start].replace("\\", "/") + read[path_start:]


@given(tricks | st.text(max_size=40))
def test_whatever_is_let_through_stays_on_this_host(address) -> None:
    kept = local_path(address)
    if kept is None:
        return
    assert kept == address
    target = urlsplit(urljoin(HERE, as_browsers_read(kept)))
    assert (target.scheme, target.netloc) == ("https", "acme.portal.example"), kept


@given(st.text(alphabet="abc-/", max_size=20), st.text(alphabet="abc=&-/:", max_size=20))
def test_ordinary_paths_are_let_through(path, query) -> None:
    address = "/" + path.lstrip("/") + (f"?{query}" if query else "")
    assert local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "documents",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "/\n/evil.example",
        "/a\0b",
        "/a\r\nb",
    ],
)
def test_these_are_not(address) -> None:
    assert local_path(address) is None
