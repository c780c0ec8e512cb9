"""What an officer enters of a destination: a form for each kind."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange

from portal.audit.export import Form
from portal.destinations.chosen import MOST_DAYS, Chosen
from portal.destinations.kinds import RHYTHMS, STREAMED_AS, Kind, Rhythm
from portal.destinations.places import (
    BucketPlace,
    Lock,
    MailPlace,
    Place,
    SyslogPlace,
    WebhookPlace,
)
from portal.destinations.queries import Shown
from portal.web.choices import choices
from portal.web.numbers import NumberField

NONE = ""
TLS_PORT = 6514  # RFC 5425, 4.1
A_NUMBER = InputRequired("Enter a number.")


class DestinationForm(FlaskForm):
    """What every destination has."""

    kind: ClassVar[Kind]

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=60)])
    rhythm = SelectField("Checkpoints")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rhythm.choices = choices(RHYTHMS[self.kind])

    @classmethod
    def showing(cls, shown: Shown) -> "DestinationForm":
        """The form as a destination fills it in, but for secrets."""
        place = asdict(shown.destination.place)
        if "addresses" in place:
            place["addresses"] = "\n".join(place["addresses"])
        return cls(obj=shown.destination, data=place)

    @abstractmethod
    def place(self) -> Place:
        """Where it is to be."""

    def chosen(self) -> Chosen:
        """What was entered."""
        return Chosen(
            name=str(self.name.data),
            kind=self.kind,
            place=self.place(),
            rhythm=Rhythm(self.rhythm.data),
            **self.more(),
        )

    def more(self) -> Mapping[str, Any]:
        """What only some kinds get."""
        return {}


class _WithAlerts(DestinationForm):
    wants_alerts = BooleanField("It gets alerts")

    def more(self) -> Mapping[str, Any]:
        return {"wants_alerts": bool(self.wants_alerts.data)}


class _WithEntries(_WithAlerts):
    entry_form = SelectField("Entries", choices=choices([NONE, *STREAMED_AS]), default=NONE)
    from_beginning = BooleanField("From the first entry on, not from now on")

    def more(self) -> Mapping[str, Any]:
        form = self.entry_form.data
        return {
            **super().more(),
            "entry_form": Form(form) if form and form != "None" else None,
            "from_beginning": bool(self.from_beginning.data),
        }


class MailForm(_WithAlerts):
    """People."""

    kind = Kind.MAIL
    addresses = TextAreaField("E-mails", [InputRequired("Enter an e-mail."), Length(max=3000)])

    def place(self) -> Place:
        return MailPlace(addresses=tuple(str(self.addresses.data).replace(",", " ").split()))


class SyslogForm(_WithEntries):
    """A collector."""

    kind = Kind.SYSLOG
    host = StringField("Host", [InputRequired("Enter a host."), Length(max=253)])
    port = NumberField("Port", [A_NUMBER, NumberRange(1, 65_535)], default=TLS_PORT)
    is_tls = BooleanField("Encrypted, by TLS", default=True)
    ca = TextAreaField("Certificate of its authority", [Length(max=20_000)])

    def place(self) -> Place:
        return SyslogPlace(
            host=str(self.host.data).strip(),
            port=self.port.data or 0,
            is_tls=bool(self.is_tls.data),
            ca=(self.ca.data or "").strip(),
        )


class WebhookForm(_WithEntries):
    """A program."""

    kind = Kind.WEBHOOK
    address = StringField("Address", [InputRequired("Enter an address."), Length(max=1000)])

    def place(self) -> Place:
        return WebhookPlace(address=str(self.address.data).strip())


class BucketForm(DestinationForm):
    """A bucket. An empty secret keeps the one there is."""

    kind = Kind.OBJECT_STORE
    bucket = StringField("Bucket", [InputRequired("Enter a bucket."), Length(max=63)])
    prefix = StringField("Folder in it", [Length(max=200)])
    region = StringField("Region", [Length(max=40)])
    endpoint = StringField("Address", [Length(max=300)])
    access_key_id = StringField(
        "Id of the access key", [InputRequired("Enter the id of a key."), Length(max=128)]
    )
    secret = PasswordField("Secret of the access key", [Length(max=200)])
    lock = RadioField("Lock", choices=choices(Lock), default=Lock.COMPLIANCE)
    days = NumberField("Days locked", [A_NUMBER, NumberRange(1, MOST_DAYS)], default=365)

    def place(self) -> Place:
        texts = ("endpoint", "region", "bucket", "prefix", "access_key_id")
        return BucketPlace(
            lock=str(self.lock.data),
            days=self.days.data or 0,
            **{name: (self[name].data or "").strip() for name in texts},
        )

    def more(self) -> Mapping[str, Any]:
        return {"secret": (self.secret.data or "").strip()}


FORMS: Mapping[str, type[DestinationForm]] = {
    form.kind: form for form in (MailForm, SyslogForm, WebhookForm, BucketForm)
}


class StartForm(FlaskForm):
    """Why, where somebody else has to agree."""

    reason = StringField("Reason", [Length(max=500)])


class RestartForm(FlaskForm):
    """From where a stream goes on."""

    number = NumberField("Number of the entry", [A_NUMBER, NumberRange(0)])
