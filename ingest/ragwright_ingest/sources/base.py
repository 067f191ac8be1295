"""What a source is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol


@dataclass(frozen=True)
class Listed:
    """A document as it was listed. `hash` is the SHA-256 of its bytes, in hex."""

    path: str
    hash: str
    bytes: int
    url: str | None = None


@dataclass(frozen=True)
class Listing:
    """A source at one revision."""

    revision: str
    documents: tuple[Listed, ...]


class OpenSource(Protocol):
    """A source pinned to a revision. Both methods raise ProblemError."""

    def list(self) -> Listing: ...

    def read(self, path: str, expected_hash: str) -> bytes:
        """The bytes that were listed, or ProblemError(SOURCE_CHANGED)."""
        ...

    def close(self) -> None: ...


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_TOKEN = re.compile(r"(\*\*/|\*\*|\*|\?|\[!?[^]/]+\])")
_REGEX = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """`**/` crosses folders (also none); `*`, `?`, `[ab]` and `[!ab]` stay within one."""
    return re.compile("".join(_translate(token) for token in _TOKEN.split(glob)))


def _translate(token: str) -> str:
    if token in _REGEX:
        return _REGEX[token]
    if not _TOKEN.fullmatch(token):
        return re.escape(token)
    inside = token[1:-1].replace("\\", "\\\\")
    inside = inside.replace("^", "\\^")
    return f"[^/{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"


def wanted(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether a document's path, relative to its source, is to be loaded."""
    return any(_pattern(glob).fullmatch(path) for glob in include) and not any(
        _pattern(glob).fullmatch(path) for glob in exclude
    )
