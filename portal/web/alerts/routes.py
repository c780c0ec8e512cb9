"""All pages of alerts. Importing a module adds its pages to the blueprint."""

from portal.web.alerts import raised, rules
from portal.web.alerts.blueprint import blueprint

__all__ = ["blueprint", "raised", "rules"]
