"""The page group itself, which the modules of its pages add to."""

from flask import Blueprint

blueprint = Blueprint("sso", __package__, url_prefix="/sso")
