"""Logs hold fixed words, and of an exception only its type and place."""

from __future__ import annotations

import io
import json
import logging

from ragwright_api.telemetry.logs import make_log, take_over_libraries
from ragwright_core.problems import place


def test_one_json_object_a_line() -> None:
    stream = io.StringIO()
    make_log(stream).bind(request="r1").warning("refused", reason="no_index")
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "refused",
        "level": "warning",
        "request": "r1",
        "reason": "no_index",
    }


def test_an_exceptions_text_is_not_told() -> None:
    try:
        raise ValueError("hunter2")
    except ValueError as error:
        told = place(error)
    assert told["error"] == "ValueError"
    assert "test_logs.py:" in told["at"]
    assert "hunter2" not in str(told)


def test_libraries_warn_in_the_same_form() -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        take_over_libraries(stream)
        try:
            raise ValueError("hunter2")
        except ValueError:
            # asyncio repeats an exception's text below its own words.
            logging.getLogger("some.library").exception("it failed\nValueError('hunter2')")
    finally:
        root.handlers[:], root.level = before, level
    line = json.loads(stream.getvalue())
    assert (line["event"], line["logger"], line["error"]) == (
        "it failed",
        "some.library",
        "ValueError",
    )
    assert "hunter2" not in stream.getvalue()
