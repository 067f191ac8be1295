"""`make try`: the real command, from a folder to an answer, and on to the next version."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 180


class Tryout:
    """The command with its terminal; `until` reads on to a line that holds the words."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dev.tryout", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.seen: list[str] = []

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip())

    def close(self) -> None:
        self.process.kill()
        self._reading.join(timeout=10)

    def ask(self, question: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()

    def until(self, words: str) -> str:
        ends_at = time.monotonic() + WAIT_SECONDS
        while True:
            line = self._lines.get(timeout=max(0.0, ends_at - time.monotonic()))
            self.seen.append(line)
            if words in line:
                return line


@contextmanager
def tryout(folder: Path) -> Iterator[Tryout]:
    made = Tryout(folder)
    with made.process:
        try:
            yield made
        finally:
            made.close()


def test_from_a_folder_to_an_answer_and_to_the_next_version(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "refunds.md").write_text("# Refunds\n\nRefunds are paid in ten days.\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "notes.md").write_text("hidden")
    with tryout(tmp_path) as shell:
        assert "1 documents, 1 chunks" in shell.until("version 1 answers")
        shell.until("ask here, or: curl http://127.0.0.1:")
        shell.ask("When are refunds paid?")
        assert shell.until("Refunds are") == "Refunds are paid in ten days. [1]"
        assert shell.until("[1] ") == "  [1] deep/refunds.md#L1-L3"
        assert "version 1, computed" in shell.until("version 1")
        (tmp_path / "deep" / "refunds.md").write_text("# Refunds\n\nRefunds take twenty days.\n")
        assert "1 changed, 0 new, 0 gone" in shell.until("version 2 answers")
        shell.ask("When are refunds paid?")
        assert "twenty" in shell.until("Refunds ")
        assert shell.process.stdin is not None
        shell.process.stdin.close()
        assert shell.process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "holds no document: put a .md, .mdx, .rst, .txt file there"),
        ("none", "there is no"),
    ],
)
def test_a_folder_without_documents_is_told_in_words(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    with tryout(tmp_path / name) as shell:
        shell.until(words)
        assert shell.process.wait(timeout=30) == 1
    assert len(shell.seen) == 1
