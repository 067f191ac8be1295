"""What a person sees."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Texts of documents and of others must not steer the terminal, nor turn lines around.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# What is piped is not wrapped.
_WIDE = 100_000


def plain(text: str) -> str:
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def console(*, stderr: bool = False) -> Console:
    """A console that prints what it is given: nothing in a text is a colour or a picture."""
    make = functools.partial(Console, stderr=stderr, highlight=False, emoji=False, markup=False)
    made = make()
    return made if made.is_terminal else make(width=_WIDE)


def say(text: str, style: str = "", *, stderr: bool = False) -> None:
    """One line. It is not cut into several, so that a command can be copied."""
    console(stderr=stderr).print(Text(plain(text), style=style), soft_wrap=True)


def complain(text: str) -> None:
    say(f"kubectl rag: {text}", stderr=True)


def show_json(value: Any) -> None:
    # Escapes whatever is not ASCII.
    sys.stdout.write(f"{json.dumps(value, indent=2, default=str)}\n")


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        say(f"{name:<{width}}  {text}")


def show_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    made = Table(*heads, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        made.add_row(*(Text(plain(cell), overflow="fold") for cell in row))
    console().print(made)
