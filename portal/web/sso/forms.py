"""Forms of single sign-on."""

from collections.abc import Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.access.roles import list_live_roles, list_roles, name_key
from portal.auth.sso.chosen import Chosen
from portal.web.choices import choices

NOBODY = ""


class ProviderForm(FlaskForm):
    """A provider, as its own pages tell it."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=60)])
    issuer = StringField("Issuer", [InputRequired("Enter the issuer."), Length(max=500)])
    client_id = StringField("Client id", [InputRequired("Enter the client id."), Length(max=300)])
    client_secret = PasswordField("Client secret", [Length(max=500)])
    allowed_domains = TextAreaField("E-mail domains", [Length(max=2000)])
    default_role = SelectField("Accounts are made for")
    groups_claim = StringField("Claim with the groups", [Length(max=60)])
    group_roles = TextAreaField("Roles by group", [Length(max=10_000)])
    trusts_mfa = BooleanField("Take this provider’s word for a second factor")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        live = list_live_roles()
        names = {key: role.name for key, role in live.items() if not role.is_scoped}
        self.role_names = names
        self.default_roles = {NOBODY: "Nobody: only people who are members already"} | names
        self.default_role.choices = choices(self.default_roles)
        self._keys = {name_key(name): key for key, name in names.items()}

    def validate_group_roles(self, field: Any) -> None:
        """One `group = role` a line."""
        for line in _lines(field.data):
            group, _, role = line.rpartition("=")
            if not group.strip() or name_key(role) not in self._keys:
                names = ", ".join(self.role_names.values())
                raise ValidationError(f"Write “group = role” on each line. The roles: {names}.")

    @property
    def chosen(self) -> Chosen:
        """What was entered."""
        return Chosen(
            name=str(self.name.data),
            issuer=str(self.issuer.data).strip(),
            client_id=str(self.client_id.data).strip(),
            client_secret=(self.client_secret.data or "").strip(),
            allowed_domains=[d.lower().lstrip("@") for d in _lines(self.allowed_domains.data)],
            default_role=self.default_role.data or None,
            groups_claim=(self.groups_claim.data or "").strip(),
            group_roles=self._mapping(),
            trusts_mfa=bool(self.trusts_mfa.data),
        )

    def _mapping(self) -> Mapping[str, str]:
        pairs = (line.rpartition("=") for line in _lines(self.group_roles.data))
        return {group.strip(): self._keys[name_key(role)] for group, _, role in pairs}


class BreakGlassForm(FlaskForm):
    """An admin's e-mail, and a code from the sealed envelope."""

    email = StringField("E-mail", [InputRequired("Enter your e-mail."), Length(max=254)])
    code = StringField("Break-glass code", [InputRequired("Enter a code."), Length(max=40)])


def shown_mapping(group_roles: Mapping[str, str]) -> str:
    """A mapping of groups as it is typed."""
    roles = list_roles()
    return "\n".join(f"{group} = {roles[key].name}" for group, key in sorted(group_roles.items()))


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]
