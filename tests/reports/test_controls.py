"""The page of controls leads to what it names, and names nothing twice."""

import re

from portal.web.reports.controls import EVIDENCE, STANDARDS, Part, list_controls
from tests.conftest import on_sqlite


def test_no_item_of_a_standard_is_listed_twice_and_each_claim_has_evidence() -> None:
    controls = list(list_controls())
    items = [(control.standard, control.item) for control in controls]
    assert len(set(items)) == len(items)
    assert {standard for standard, _ in items} == set(STANDARDS)
    assert {name for control in controls for name in control.evidence} == set(EVIDENCE)
    for control in controls:
        if control.part == Part.WHOLE:
            assert control.evidence, control
        if control.part == Part.NONE:
            assert not control.evidence, control


@on_sqlite
def test_an_officer_can_open_every_page_that_is_named_as_evidence(acme) -> None:
    officer = acme.visit("officer")
    page = officer.get("/reports/controls").text
    links = set(re.findall(r"<td>\s*.*?</td>", page, re.DOTALL))
    addresses = {path for cell in links for path in re.findall(r'href="([^"]+)"', cell)}
    assert len(addresses) == len(EVIDENCE)
    for path in addresses:
        assert officer.get(path).status_code == 200, path


@on_sqlite
def test_one_standard_can_be_looked_at_alone_and_an_auditor_sees_fewer_links(acme) -> None:
    auditor = acme.visit("auditor")
    page = auditor.get("/reports/controls?standard=gdpr").text
    assert "Art. 17" in page
    assert "A.8.24" not in page
    assert "10.3.2" not in page
    assert 'href="/retention/erasures"' not in page
    assert "A.8.24" in auditor.get("/reports/controls?standard=none").text
