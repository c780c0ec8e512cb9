"""Passkeys over HTTP: a script asks with a POST, and sends the answer on as a field of a form."""

from flask import g, jsonify
from werkzeug.wrappers import Response

from portal.auth.ceremonies import VALID_FOR
from portal.auth.passkeys import Answer, Question
from portal.web import cookies
from portal.web.requests import request

COOKIE = "ceremony"  # holds the token of the question that was asked last
MAX_ANSWER_LENGTH = 20_000  # what a device says of a new passkey may hold certificates


def asked(question: Question) -> Response:
    """What the browser is to ask for, with the token by which its answer is known."""
    seconds = int(VALID_FOR.total_seconds())
    return cookies.remember(jsonify(question.options), COOKIE, question.token, seconds=seconds)


def answer_of(text: str) -> Answer:
    """What a form has brought back."""
    return Answer(g.host, cookies.remembered(request, COOKIE), text)
