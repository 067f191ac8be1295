"""What the approval annotation says. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"\s*(\d{1,9})(?:\s+(\w+(?:\s*,\s*\w+)*))?\s*")


@dataclass(frozen=True)
class Approval:
    """A person approved a version, and overrides the gates named in `override`."""

    number: int
    override: tuple[str, ...] = ()


def approved(annotation: str) -> Approval | None:
    """Reads `7` or `7 maxShrink,goldenQuestions`. None if the annotation is not of this form."""
    found = _FORM.fullmatch(annotation)
    if found is None:
        return None
    gates = re.findall(r"\w+", found[2] or "")
    return Approval(int(found[1]), tuple(sorted(gates)))
