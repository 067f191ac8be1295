"""Decides by a source's globs which of its paths are documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import PurePosixPath

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
    if token.startswith("[!"):
        return f"[^/{''.join(_characters(token[2:-1]))}]"
    # A range may hold a slash, which no class matches; and one that holds nothing matches nothing.
    found = "".join(_characters(token[1:-1]))
    return f"(?!/)[{found}]" if found else "(?!)"


def _characters(inside: str) -> Iterator[str]:
    """The characters and ranges of a class. A range that runs backwards holds nothing."""
    for first, last in re.findall("(.)(?:-(.))?", inside, re.DOTALL):
        if not last:
            yield re.escape(first)
        elif first <= last:
            yield f"{re.escape(first)}-{re.escape(last)}"


def wanted(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether a document's path, relative to its source, is to be loaded."""
    return _matches(path, include) and not _matches(path, exclude)


def left_out(paths: Iterable[str], include: Sequence[str]) -> str:
    """How many files no glob takes, and of which kind they are; empty if there are none."""
    kinds = Counter(_kind(path) for path in paths if not _matches(path, include))
    if not kinds:
        return ""
    total, (kind, most) = kinds.total(), kinds.most_common(1)[0]
    if len(kinds) == 1:
        share = "all of them"
    else:
        share = "most of them" if 2 * most > total else f"{most:,} of them"
    files = "1 file matches" if total == 1 else f"{total:,} files match"
    return f"{files} no include pattern" + (f" ({kind})" if total == 1 else f", {share} {kind}")


def _kind(path: str) -> str:
    suffix = PurePosixPath(path).suffix
    return f"*{suffix}" if re.fullmatch(r"\.\w{1,20}", suffix, re.ASCII) else "without a suffix"


def _matches(path: str, globs: Sequence[str]) -> bool:
    return any(_pattern(glob).fullmatch(path) for glob in globs)
