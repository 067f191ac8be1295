"""Kubernetes quantities, in the form that the API server gives back."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_BINARY = {unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)}
_DECIMAL = {
    unit: Decimal(1000) ** power for power, unit in enumerate(("m", "", "k", "M", "G", "T"), -1)
}
_PARTS = re.compile(r"^([0-9.]+)([a-zA-Z]*)$")


def amount(quantity: str) -> Decimal:
    """The quantity as a number: bytes, or cores. Raises ValueError."""
    found = _PARTS.match(quantity)
    unit = {**_BINARY, **_DECIMAL}.get(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(f"{quantity!r} is not a quantity such as 500m or 2Gi")
    return Decimal(found[1]) * unit


def whole_bytes(quantity: str) -> int:
    return int(amount(quantity).to_integral_value(ROUND_CEILING))


def canonical(quantity: str) -> str:
    """As the API server writes it: the largest unit without a fraction.

    Objects are compared with what the server shows, where 1000m reads 1 and 1024Mi reads 1Gi.
    """
    value = amount(quantity)
    units = _BINARY if quantity.endswith("i") and value >= 1024 else _DECIMAL
    for suffix, unit in sorted(units.items(), key=lambda item: -item[1]):
        scaled = value / unit
        if scaled and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return str(int(value.to_integral_value(ROUND_CEILING)))


def mebibytes(count: int) -> str:
    """A number of bytes as a quantity, rounded up to whole MiB."""
    return canonical(f"{-(-count // 2**20)}Mi")
