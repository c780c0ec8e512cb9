"""The page group itself, which the modules of its pages add to."""

from flask import Blueprint

blueprint = Blueprint("auth", __name__, url_prefix="/auth")
