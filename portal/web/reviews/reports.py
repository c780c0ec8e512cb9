"""Reports on the wire: attachments that no page of ours shows and nothing can run."""

from typing import Any

from flask import Response

from portal.access.reviews.report import COLUMNS, Report, rows_of
from portal.web.headers import DOWNLOAD_POLICY
from portal.web.report_look import report_look


def attachment(report: Report, body: bytes, media_type: str, ending: str) -> Response:
    """A file that is named after the review's id, which can be written in any file system."""
    response = Response(body, content_type=media_type)
    name = f"access-review-{report.review.id}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response


def page_facts(report: Report) -> dict[str, Any]:
    """What the page of a report tells."""
    return {
        "result": report.result,
        "review": report.review,
        "columns": COLUMNS,
        "rows": list(rows_of(report)),
        "look": report_look(),
    }
