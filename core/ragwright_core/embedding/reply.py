"""The one place that reads embeddings out of an endpoint's reply. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ragwright_core.embedding.base import Vectors

_STRICT = ConfigDict(strict=True, extra="ignore", frozen=True)


class NoEmbeddingsError(Exception):
    """The reply holds no embeddings, or not as many numbers as were asked for. The message says
    what it is instead."""


class MisnumberedError(Exception):
    """Nobody can tell whose vectors these are."""


class NoVectorError(Exception):
    """The endpoint gave no usable vector for one of the texts."""


class _Item(BaseModel):
    model_config = _STRICT

    embedding: list[float] | str | None
    index: int | None = None


class _Reply(BaseModel):
    model_config = _STRICT

    data: list[_Item]


def read_vectors(body: Any, count: int, dimensions: int) -> Vectors:
    """Unit vectors in the order of the texts. Raises NoEmbeddingsError,
    MisnumberedError, NoVectorError."""
    try:
        reply = _Reply.model_validate(body)
    except ValidationError:
        raise NoEmbeddingsError("JSON of another kind") from None
    rows = [_numbers(item) for item in _in_order(reply.data)]
    widths = {len(row) for row in rows if len(row)}
    if len(rows) != count or widths - {dimensions}:
        raise NoEmbeddingsError(
            f"it returned {len(rows)} vectors of {sorted(widths)} dimensions for {count} texts; "
            f"embedding.dimensions is {dimensions}"
        )
    if not all(len(row) for row in rows):
        raise NoVectorError
    return _unit(np.asarray(rows, np.float64))


def _in_order(items: Sequence[_Item]) -> Sequence[_Item]:
    """By index. Where no item has one, in the order in which they came."""
    by_index = {item.index: item for item in items}
    if set(by_index) == {None}:
        return items
    if sorted(by_index, key=lambda index: -1 if index is None else index) != [*range(len(items))]:
        raise MisnumberedError
    return [by_index[index] for index in range(len(items))]


def _numbers(item: _Item) -> Sequence[float] | NDArray[np.float32]:
    """Empty where there are none. Some endpoints pack numbers although they were not asked to."""
    if not isinstance(item.embedding, str):
        return item.embedding or []
    try:
        return np.frombuffer(base64.b64decode(item.embedding, validate=True), "<f4")
    except (binascii.Error, ValueError):
        raise NoEmbeddingsError("JSON of another kind") from None


def _unit(rows: NDArray[np.float64]) -> Vectors:
    """Divided by the largest number first, so that no square overflows."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    if not (np.isfinite(largest).all() and (largest > 0).all()):
        raise NoVectorError
    rows = rows / largest
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit
