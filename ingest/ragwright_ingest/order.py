"""Reads the order of a Job, which another release may have written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import ValidationError

from ragwright_core.contract import ORDER_FILE, ORDER_FILE_ENV
from ragwright_core.model import in_words
from ragwright_core.orders import BuildOrder, CleanupOrder, SwapOrder
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason

Order = TypeVar("Order", BuildOrder, SwapOrder, CleanupOrder)


def read_order(kind: type[Order], environment: Mapping[str, str]) -> Order:
    """Fields that this release does not know are left out and named in the log. An unknown value
    stops the Job, because nothing in an order may be guessed. Raises ProblemError."""
    file = Path(environment.get(ORDER_FILE_ENV) or ORDER_FILE)
    try:
        order, unknown = kind.read(file.read_bytes())
    except OSError as error:
        raise ProblemError(
            Reason.INTERNAL,
            f"the order cannot be read ({type(error).__name__}): the operator mounts it at "
            f"{ORDER_FILE}; name another file in {ORDER_FILE_ENV}",
        ) from None
    except ValueError as error:
        words = in_words(error) if isinstance(error, ValidationError) else "it is no JSON"
        raise ProblemError(
            Reason.INTERNAL,
            f"the order in {file} does not fit this release of ragwright-ingest: {words}. "
            "Let the operator and its Jobs run the same release",
        ) from None
    if unknown:
        structlog.get_logger().warning(
            "fields of another release", of="order", fields=list(unknown)
        )
    return order
