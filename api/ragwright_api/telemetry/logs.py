"""Logs one JSON object per line on standard output, without questions or secrets: events are fixed
words, and only the type and place of an exception are logged, as its text may repeat what was
sent."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from ragwright_core.problems import place


def make_log(stream: TextIO) -> Any:
    """The service's logger. `bind` adds fields to every later line."""
    return structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.BoundLogger,
    )


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            # Only the first line, because asyncio repeats an exception's text in the others.
            "event": record.getMessage().partition("\n")[0],
            "logger": record.name,
            "level": record.levelname.lower(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info and record.exc_info[1]:
            fields |= place(record.exc_info[1])
        return json.dumps(fields)


def take_over_libraries(stream: TextIO = sys.stdout) -> None:
    """Log warnings of libraries in the same form. Called once, by main."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Plain())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
