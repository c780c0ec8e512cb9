"""All reports there are."""

from portal.core.errors import NotFound
from portal.reports import access, factors, key_custody, retention, reviews, sign_ins
from portal.reports.report import Report

REPORTS: dict[str, Report] = {
    module.REPORT.key: module.REPORT
    for module in (access, factors, sign_ins, reviews, key_custody, retention)
}


def get_report(key: str) -> Report:
    """A report by its key. Raises `NotFound`."""
    if key not in REPORTS:
        raise NotFound
    return REPORTS[key]
