"""Retention, a module for each kind of page; importing them adds their views to the group."""

from portal.web.retention.routes import erasures, holds, plan, rules
from portal.web.retention.routes.blueprint import blueprint

__all__ = ["blueprint", "erasures", "holds", "plan", "rules"]
