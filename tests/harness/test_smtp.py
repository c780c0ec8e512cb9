import smtplib
from email.message import EmailMessage

from tests.harness.smtp import mail_sink


def test_a_message_is_kept_with_its_envelope() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "acme@example", "ana@example", "Grüße"
    message.set_content("Łódź")
    with mail_sink() as sink:
        with smtplib.SMTP(sink.host, sink.port) as client:
            client.send_message(message, to_addrs=["ana@example", "hidden@example"])
        [mail] = sink.mails
    assert (mail.sender, mail.recipients) == ("acme@example", ["ana@example", "hidden@example"])
    assert (mail.message["Subject"], mail.message.get_content()) == ("Grüße", "Łódź\r\n")
