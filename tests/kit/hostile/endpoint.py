"""A real HTTP server in the place of a model's endpoint, which says whatever a table tells it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """A reply: a body of bytes, or anything that becomes JSON. `after` is sent first, and again and
    again without an end if `endless`; `pace` is the time between two pieces. A status of 0 closes
    the connection without a reply."""

    body: Any = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    endless: bool = False
    pace: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: Json


Say = Callable[[Asked], Said]


@dataclass
class Hostile:
    """The running server. `say` may be replaced while it runs; `asked` is what came."""

    url: str
    say: Say
    asked: list[Asked] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        told = self.server.told
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        told.asked.append(asked)
        said = told.say(asked)
        self.close_connection = True
        if said.status:
            with contextlib.suppress(OSError):
                self._send(said)

    def _send(self, said: Said) -> None:
        self.send_response(said.status)
        for name, value in said.headers:
            self.send_header(name, value)
        self.send_header("Connection", "close")
        if not said.endless and not said.pace and said.status != 204:
            self.send_header("Content-Length", str(len(said.content)))
        self.end_headers()
        if not said.endless and not said.pace:
            self.wfile.write(said.content)
            return
        while not self.server.told.stopped.wait(said.pace):
            self.wfile.write(said.content)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, told: Hostile) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = told


@contextlib.contextmanager
def hostile(say: Say) -> Iterator[Hostile]:
    """Serve on a free port of this machine; `url` ends with /v1."""
    told = Hostile("", say)
    server = _Server(told)
    told.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def in_turn(*said: Said) -> Say:
    """Each once, then the last one again and again."""
    left = list(said)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
