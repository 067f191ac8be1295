"""Text that can be sent: a lone half of a surrogate pair has no form in UTF-8."""

from __future__ import annotations


def sendable(text: str) -> str:
    """The text with halves that belong together joined, and lone ones replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
