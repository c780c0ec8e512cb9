"""All pages of reports. Importing a module adds its pages to the blueprint."""

from portal.web.reports import person, reports
from portal.web.reports.blueprint import blueprint

__all__ = ["blueprint", "person", "reports"]
