"""The one blueprint of these pages; each module of the group adds its own."""

from flask import Blueprint

blueprint = Blueprint("auth", __name__, url_prefix="/auth")
