"""Finds the format of a document, by its path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from pkgutil import iter_modules

from ragwright_ingest import formats
from ragwright_ingest.formats import text
from ragwright_ingest.formats.base import Format, Parsed


@dataclass(frozen=True)
class Formats:
    """Formats by suffix. A document with an unknown suffix is read as text."""

    by_suffix: Mapping[str, Format]

    @classmethod
    def of(cls, found: Iterable[Format]) -> Formats:
        by_suffix: dict[str, Format] = {}
        for item in found:
            for suffix in item.suffixes:
                other = by_suffix.setdefault(suffix, item)
                if other is not item:
                    raise ValueError(f"{item.name} and {other.name} both read {suffix}")
        return cls(by_suffix)

    def parse(self, path: str, content: bytes) -> Parsed:
        """Parse a document by its format. Raises UnreadableError."""
        suffix = PurePosixPath(path).suffix.lower()
        return self.by_suffix.get(suffix, text.FORMAT).read(path, content)


def formats_in(package: str) -> list[Format]:
    """The formats of a package: every module that defines FORMAT is found, without a list."""
    names = [module.name for module in iter_modules(import_module(package).__path__)]
    modules = [vars(import_module(f"{package}.{name}")) for name in names]
    return [found for module in modules if isinstance(found := module.get("FORMAT"), Format)]


@cache
def known_formats() -> Formats:
    return Formats.of(formats_in(formats.__name__))
