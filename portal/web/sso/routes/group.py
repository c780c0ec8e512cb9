"""The group that all pages of single sign-on belong to, under one first segment of addresses."""

from flask import Blueprint

blueprint = Blueprint("sso", __package__, url_prefix="/sso")
