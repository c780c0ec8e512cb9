"""Single sign-on, a module for each kind of page; importing them adds their views to the group."""

from portal.web.sso.routes import journeys, links, logout, only_way, providers
from portal.web.sso.routes.blueprint import blueprint

__all__ = ["blueprint", "journeys", "links", "logout", "only_way", "providers"]
