"""The group that all pages of documents belong to, under one first segment of addresses."""

from flask import Blueprint

blueprint = Blueprint("documents", __package__, url_prefix="/documents")
