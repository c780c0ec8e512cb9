"""Checkpoints and alerts as mails to people, who need not be members."""

from portal.auth.mail import begin_mail
from portal.core.settings import active
from portal.destinations.messages import Message
from portal.destinations.places import MailPlace
from portal.destinations.taking import NotTaken
from portal.outbox import smtp
from portal.tenancy.binding import bound

SECONDS = 5


def send(place: MailPlace, _secret: str, message: Message) -> str:
    """Hand it to the mail server, with the signed checkpoint as a file, letter by letter."""
    smtp_url = active().smtp_url
    if not smtp_url:
        raise NotTaken("The portal has no mail server. The operator can set one up.")
    subject = f"{bound().tenant.name}: {message.title}"
    mail = begin_mail(message.id, ", ".join(place.addresses), subject)
    mail.set_content(message.text)
    if message.checkpoint:
        name = f"checkpoint-{message.checkpoint.size}.note"
        note = message.note.encode()  # as bytes, so that nobody on the way changes ends of lines
        mail.add_attachment(note, maintype="application", subtype="octet-stream", filename=name)
    smtp.send(smtp_url, mail, seconds=SECONDS)
    return "The mail server took it."
