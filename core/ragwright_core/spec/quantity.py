"""Kubernetes quantities: every accepted form, and the canonical form in which we write them."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from ragwright_core.spec.fields import int_or_string, rule

_BINARY = {
    f"{unit}i": Decimal(1024) ** power
    for power, unit in enumerate(("K", "M", "G", "T", "P", "E"), 1)
}
_DECIMAL = {
    unit: Decimal(1000) ** power
    for power, unit in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
}
_PARTS = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([eE][-+]?[0-9]{1,3})|([a-zA-Z]*))")
# The API server caps quantities at this.
_LARGEST = Decimal(2**63 - 1)
# The API server rounds quantities up to a multiple of this.
_SMALLEST_UNIT = Decimal("0.001")

_LONGEST = 32
_ADVICE = "write a quantity as Kubernetes takes them, such as 500m, 2 or 1Gi"
_VALID = (
    "type(self) == int ? self >= 0 : "
    "isQuantity(self) && quantity(self).compareTo(quantity('0')) >= 0"
)


def amount(quantity: str) -> Decimal:
    """The quantity as a number: bytes, or cores. Raises ValueError."""
    found = _PARTS.fullmatch(quantity.removeprefix("+"))
    if found is None or len(quantity) > _LONGEST:
        raise ValueError(f"{quantity[:_LONGEST]!r} is not a quantity: {_ADVICE}")
    number, exponent, unit = found.groups()
    if exponent:
        return min(Decimal(number) * Decimal(f"1{exponent}"), _LARGEST)
    if unit not in _BINARY and unit not in _DECIMAL:
        raise ValueError(f"{quantity!r} is not a quantity: {_ADVICE}")
    return min(Decimal(number) * {**_BINARY, **_DECIMAL}[unit], _LARGEST)


def whole_bytes(quantity: str) -> int:
    return int(amount(quantity).to_integral_value(ROUND_CEILING))


def canonical(quantity: str) -> str:
    """The form that the API server does not change: the largest unit without a fraction.

    We compare our objects with the server's, where 1000m becomes 1 and 1024Mi becomes 1Gi.
    """
    value = amount(quantity)
    binary = quantity.endswith("i") and value >= 1024
    smallest = Decimal(1) if binary else _SMALLEST_UNIT
    value = (value / smallest).to_integral_value(ROUND_CEILING) * smallest
    units = {**_BINARY, "": Decimal(1)} if binary else _DECIMAL
    for suffix, unit in sorted(units.items(), key=lambda item: -item[1]):
        scaled = value / unit
        if scaled and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return "0"


def mebibytes(count: int) -> str:
    """A number of bytes as a quantity, rounded up to whole MiB."""
    return canonical(f"{-(-count // 2**20)}Mi")


def _read(written: Any) -> Any:
    """YAML reads `cpu: 1` as a number. The API server refuses a fraction without quotes."""
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written)
    if not isinstance(written, str):
        raise ValueError(f"{_ADVICE}; a fraction without quotes is not taken: 500m instead of 0.5")
    amount(written)
    return written


Quantity = Annotated[
    str,
    BeforeValidator(_read),
    int_or_string(_LONGEST, rule(_VALID, _ADVICE)),
]
