"""Structured logs on standard error: JSON lines for programs, coloured lines for a terminal."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(style: str = "auto", level: str = "info") -> None:
    """Set up structlog for the process.

    Parameters: `style` is json, console or auto (console on a terminal, json elsewhere); `level` a
    name of the standard library's levels in lower case.
    """
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )


def get(**fields: object) -> structlog.typing.FilteringBoundLogger:
    """Give a logger that adds `fields` to each line."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**fields)
    return logger
