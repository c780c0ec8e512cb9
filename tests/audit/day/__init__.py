"""One day in an organisation, on which everything is done that its pages can do, and what the audit
log has to tell of each act.
"""

from collections.abc import Iterator

from tests.audit.day.access import Access
from tests.audit.day.acts import Act
from tests.audit.day.contents import Contents
from tests.audit.day.destinations import Destinations
from tests.audit.day.links import Links
from tests.audit.day.organisation import TheOrganisation
from tests.audit.day.people import People
from tests.audit.day.retention import Retention
from tests.audit.day.reviews import Reviews


class Day(Contents, Links, Retention, Reviews, People, Access, TheOrganisation, Destinations):
    """The acts in their order. Each builds on those before, so it is to be done before the next is
    asked for; it may be tried without success meanwhile.
    """

    def acts(self) -> Iterator[Act]:
        yield from self._folders()
        yield from self._documents()
        yield from self._resumed_uploads()
        yield from self._the_export()
        yield from self._the_destinations()
        yield from self._the_alerts()
        yield from self._the_links()
        yield from self._what_is_gone_for_good()
        yield from self._what_is_kept()
        yield from self._how_long_the_log_is_kept()
        yield from self._what_is_brought_back()
        yield from self._what_is_erased()
        yield from self._the_reviews()
        yield from self._another_review()
        yield from self._the_newcomer()
        yield from self._many_newcomers()
        yield from self._roles()
        yield from self._own_roles()
        yield from self._exclusive_roles()
        yield from self._groups()
        yield from self._sharing()
        yield from self._the_account()
        yield from self._the_factors()
        yield from self._the_forgotten_password()
        yield from self._the_ended_sessions()
        yield from self._the_lost_factor()
        yield from self._the_policy()
        yield from self._the_keys()
        provider = yield from self._single_sign_on()
        yield from self._two_admins()
        yield from self._requests()
        yield from self._the_log()
        yield from self._the_searches()
        yield from self._the_reports()
        yield from self._explanations()
        yield from self._closing()
        yield from self._broken_glass(provider)  # everybody who has a password is out by it
