"""One JSON object a line on standard output. No question, no secret: events are fixed words, and
of an exception only its type and place are told, because its text may repeat what was sent."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog


def make_log(stream: TextIO) -> Any:
    """The service's logger; `bind` adds what every later line carries."""
    return structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.BoundLogger,
    )


def place(error: BaseException) -> dict[str, str]:
    """Type and innermost place of an exception, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return {"error": type(error).__name__, "at": at}


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            # The first line: asyncio repeats the text of an exception in the others.
            "event": record.getMessage().partition("\n")[0],
            "logger": record.name,
            "level": record.levelname.lower(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info and record.exc_info[1]:
            fields |= place(record.exc_info[1])
        return json.dumps(fields)


def take_over_libraries(stream: TextIO = sys.stdout) -> None:
    """Warnings of libraries in the same form. Called once, by main."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Plain())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
