"""Structured logs on standard error: one JSON object a line, or plain text on a terminal."""

import logging
import sys

import structlog

from portal.core.settings import Settings


def configure(settings: Settings) -> None:
    """Set up structlog and the standard library's logging for the process.

    Nothing here ever gets a request's body, cookies or query: callers log ids and names of views.
    """
    level = logging.getLevelNamesMapping()[settings.log_level]
    renderer = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
