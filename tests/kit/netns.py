"""Two network namespaces and a cable between them that can be pulled. Neither has a way out."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import pytest

Served = TypeVar("Served")
SERVER_ADDRESS, WORKER_ADDRESS = "198.51.100.1", "198.51.100.2"
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Cable:
    """Names of the namespaces at its ends; each end is called `cable` there."""

    server: str
    worker: str

    def pull(self) -> None:
        """Cut the connection without notice to either end, as when a node is cut off."""
        _ip("-n", self.worker, "link", "set", "cable", "down")

    def plug(self) -> None:
        _ip("-n", self.worker, "link", "set", "cable", "up")


def inside(namespace: str) -> tuple[str, ...]:
    """The beginning of a command that is to run in the namespace."""
    return ("ip", "netns", "exec", namespace)


@contextmanager
def cable() -> Iterator[Cable]:
    """Make two connected namespaces, or skip the test if namespaces cannot be made."""
    made = Cable(f"rag-server-{os.getpid()}", f"rag-worker-{os.getpid()}")
    ends = {made.server: SERVER_ADDRESS, made.worker: WORKER_ADDRESS}
    with ExitStack() as stack:
        for name in ends:
            if words := _refused("netns", "add", name):
                pytest.skip(f"NOT RUN: a network namespace cannot be made here: {words}")
            stack.callback(_ip, "netns", "delete", name)
        pair = ("link", "add", "cable", "type", "veth", "peer", "name", "cable")
        _ip("-n", made.server, *pair, "netns", made.worker)
        for name, address in ends.items():
            _ip("-n", name, "address", "add", f"{address}/30", "dev", "cable")
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", "cable", "up")
        yield made


@contextmanager
def served_inside(
    namespace: str, serve: Callable[[], AbstractContextManager[Served]]
) -> Iterator[Served]:
    """A server of this process with sockets in the namespace: a socket belongs to the namespace
    that the thread which makes it has entered."""
    made: SimpleQueue[Served | BaseException] = SimpleQueue()
    over = threading.Event()

    def run() -> None:
        try:
            _enter(namespace)
            with serve() as server:
                made.put(server)
                over.wait()
        except BaseException as error:
            made.put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    server = made.get()
    if isinstance(server, BaseException):
        raise server
    try:
        yield server
    finally:
        over.set()
        thread.join(timeout=20)


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/run/netns/{namespace}").open() as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def _refused(*arguments: str) -> str:
    """Why `ip` refused, or an empty text if it did not."""
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no `ip`"
    return (done.stderr.strip() or "it failed") if done.returncode else ""


def _ip(*arguments: str) -> None:
    words = _refused(*arguments)
    assert not words, words
