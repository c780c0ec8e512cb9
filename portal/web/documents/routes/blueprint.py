"""The page group itself, which the modules of its pages add to, and what all its pages share."""

from flask import Blueprint

from portal.documents.things import WrongChoice
from portal.web.documents.paging import asked_sort, keep_order
from portal.web.documents.returning import choose_again

blueprint = Blueprint("documents", __package__, url_prefix="/documents")
blueprint.app_url_defaults(keep_order)
blueprint.add_app_template_global(asked_sort)
blueprint.register_error_handler(WrongChoice, choose_again)
