"""The look of reports that leave the portal as pages of their own."""

from functools import cache

from markupsafe import Markup

from portal.core.shipped import shipped


@cache
def report_look() -> Markup:
    """Their style, within them: they are opened from a disk, where nothing else is at hand."""
    sheet = (shipped("static") / "report.css").read_text()
    return Markup(f"<style>\n{sheet}</style>")  # noqa: S704  # our own file
