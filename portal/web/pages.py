"""All groups of pages on one screen. The first segment of an address is the group's name."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from portal.web.access import STATIC, anywhere, declared
from portal.web.account.routes import blueprint as account
from portal.web.alerts.routes import blueprint as alerts
from portal.web.approvals.routes import blueprint as approvals
from portal.web.audit.routes import blueprint as audit
from portal.web.auth.routes import blueprint as auth
from portal.web.closing.routes import blueprint as closing
from portal.web.documents.routes import blueprint as documents
from portal.web.explain.routes import blueprint as explain
from portal.web.folders.routes import blueprint as folders
from portal.web.groups.routes import blueprint as groups
from portal.web.health.routes import blueprint as health
from portal.web.home.routes import blueprint as home
from portal.web.keys.routes import blueprint as keys
from portal.web.links.routes import blueprint as links
from portal.web.members.routes import blueprint as members
from portal.web.policy.routes import blueprint as policy
from portal.web.reports.routes import blueprint as reports
from portal.web.requests.routes import blueprint as requests
from portal.web.retention.routes import blueprint as retention
from portal.web.reviews.routes import blueprint as reviews
from portal.web.roles.routes import blueprint as roles
from portal.web.shared.routes import blueprint as shared
from portal.web.sso.routes import blueprint as sso
from portal.web.urls import KeyConverter

GROUPS = (
    home,
    auth,
    sso,
    account,
    documents,
    folders,
    links,
    shared,
    members,
    groups,
    roles,
    explain,
    requests,
    approvals,
    reviews,
    retention,
    policy,
    keys,
    closing,
    audit,
    alerts,
    reports,
    health,
)


def init_app(app: Flask) -> None:
    """Register every group, and say of the static files that anybody may have them."""
    app.url_map.converters["key"] = KeyConverter
    for group in GROUPS:
        app.register_blueprint(group)
    for endpoint in STATIC:
        app.view_functions[endpoint] = anywhere(_plain(app.view_functions[endpoint]))


def checking_for_themselves(app: Flask) -> list[Callable[..., Any]]:
    """The views that no form's token is checked for beforehand: other programs send them something
    without a form of ours, or they read the form themselves and check it then.
    """
    declarations = ((view, declared(view)) for view in app.view_functions.values())
    return [view for view, found in declarations if found and found.checks_token_itself]


def _plain(view: Callable[..., Any]) -> Callable[..., Any]:
    """A function of its own: Flask's is a bound method, which can't carry a declaration."""

    def static_file(**values: Any) -> Any:
        return view(**values)

    return static_file
