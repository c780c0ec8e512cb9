"""Second-factor coverage: what everybody who is active has set up, against the policy."""

from collections.abc import Iterator

from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.audit.actor import Actor
from portal.auth.assurance import Factor
from portal.auth.policy_review import Reviewed, read_people
from portal.reports.report import Report, Row, moment

NAMES = {Factor.TOTP: "Authenticator", Factor.PASSKEY: "Passkey"}


def _rows(actor: Actor) -> Iterator[Row]:
    roles = {key: role.name for key, role in list_roles().items()}
    for one in read_people(actor):
        yield (
            one.user.name,
            one.user.email,
            ", ".join(roles.get(key, key) for key in one.roles),
            ", ".join(NAMES[factor] for factor in sorted(one.factors)) or "None",
            "yes" if one.is_asked else "no",
            _standing(one),
            moment(one.grace_ends_at),
            moment(one.signed_in_at),
        )


def _standing(one: Reviewed) -> str:
    if not one.falls_short:
        return "Covered" if one.factors else "Not asked for one"
    return "Falls short, within the grace" if one.grace_ends_at else "Falls short"


REPORT = Report(
    key="second-factors",
    name="Second-factor coverage",
    sentence="Every active person with the second factors they have set up, and who falls short of "
    "the policy of signing in.",
    permission=Permission.POLICY_READ,
    columns=(
        "Person",
        "E-mail",
        "Roles",
        "Second factors",
        "Asked for one",
        "Standing",
        "Grace until",
        "Last signed in",
    ),
    rows=_rows,
)
