"""What a person sees: steps with their seconds, one live line, a table at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Screen:
    """Prints steps; on a terminal the live line is rewritten in place, in a log it is thinned."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._last = ""
        self._printed_at = 0.0

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        print(f"==> {what}", flush=True)
        began = time.monotonic()
        yield
        self.clear()
        print(f"    done in {time.monotonic() - began:.1f} s", flush=True)

    def live(self, line: str) -> None:
        if self._terminal:
            print(f"\r\033[K    {line[:110]}", end="", flush=True)
        elif line != self._last and time.monotonic() - self._printed_at > 2:
            print(f"    {line}", flush=True)
            self._printed_at = time.monotonic()
        self._last = line

    def clear(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", flush=True)

    def say(self, text: str) -> None:
        self.clear()
        print(text, flush=True)


def table(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"    {name:<{width}}  {value}" for name, value in rows)
