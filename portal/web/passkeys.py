"""Passkeys over HTTP: a script asks with a POST, and sends the answer on as a field of a form."""

from typing import Any

from flask import g, jsonify
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.validators import Length

from portal.auth.ceremonies import VALID_FOR
from portal.auth.passkeys import Answer, Question
from portal.web import cookies
from portal.web.request import request

COOKIE = "ceremony"  # holds the token of the question that was asked last
MAX_ANSWER_LENGTH = 20_000  # what a device says of a new passkey may hold certificates


class AnswerField(HiddenField):
    """Where the script puts what a passkey has said: good for one try, so it is not shown again."""

    def __init__(self, *validators: Any, **given: Any) -> None:
        super().__init__(validators=[*validators, Length(max=MAX_ANSWER_LENGTH)], **given)

    def _value(self) -> str:
        return ""


def asked(question: Question) -> Response:
    """What the browser is to ask for, with the token by which its answer is known."""
    seconds = int(VALID_FOR.total_seconds())
    return cookies.remember(jsonify(question.options), COOKIE, question.token, seconds=seconds)


def answer_of(text: str) -> Answer:
    """What a form has brought back."""
    return Answer(g.host, cookies.remembered(request, COOKIE), text)
