"""Passkeys over HTTP: a script asks with a POST, and sends the answer on as a field of a form."""

from flask import g, jsonify
from werkzeug.wrappers import Response

from portal.auth.passkeys import Answer, Question
from portal.web import cookies

MAX_ANSWER_LENGTH = 20_000  # what a device says of a new passkey may hold certificates


def asked(question: Question) -> Response:
    """What the browser is to ask for, with the token by which its answer is known."""
    return cookies.hand_out_ceremony(jsonify(question.options), question.token)


def answer_of(text: str) -> Answer:
    """What a form has brought back."""
    return Answer(g.host, cookies.ceremony_token(), text)
