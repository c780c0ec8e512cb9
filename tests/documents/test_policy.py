"""What an organisation takes in, changed by two admins at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.documents.policy import DocumentRules, change_rules, show_rules
from tests.documents.retention.keeping import acting
from tests.installation import Organisation

PATH = "/policy/documents/change"


@pytest.mark.parametrize("was_changed_before", [False, True], ids=["the first", "another"])
def test_of_two_who_change_the_rules_at_once_the_second_is_told(
    acme: Organisation, was_changed_before: bool
) -> None:
    if was_changed_before:
        first = {"families": ["text"], "trash_days": "30", "version": ""}
        assert acme.visit("admin").post(PATH, first).status_code == 302
    with acme.bound():
        version = show_rules(acting(acme, "admin")).version
    wanted = {"families": ["text", "pdf"], "trash_days": "20", "version": version}
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True) as session:
            change_rules(acting(acme, "admin"), DocumentRules(trash_days=10), version=version)
            session.flush()
            answer = pool.submit(acme.visit("admin").post, PATH, wanted)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.3)
        assert answer.result(timeout=10).status_code == 409
    with acme.bound():
        assert show_rules(acting(acme, "admin")).rules.trash_days == 10
