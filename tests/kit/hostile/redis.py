"""A server at the cache's address that is no Redis, is not ready, or answers what nobody asked.

It greets a client as Redis does, and then gives one reply to each command.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

SECRET = "s3cret-of-the-server"

TABLE = {
    "a web server": b"HTTP/1.1 400 Bad Request\r\n\r\n" + SECRET.encode(),
    "an error": f"-ERR {SECRET}\r\n".encode(),
    "it wants a login": b"-NOAUTH Authentication required.\r\n",
    "it does not know the login": b"-WRONGPASS invalid username-password pair\r\n",
    "a right is missing": b"-NOPERM User default has no permissions\r\n",
    "it is loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "it is full": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "it is a replica": b"-READONLY You can't write against a read only replica.\r\n",
    "a cluster's node": b"-MOVED 3999 127.0.0.1:6381\r\n",
    "nothing there": b"$-1\r\n",
    "an empty list": b"*0\r\n",
    "a list that is too long": b"*9\r\n" + b"$-1\r\n" * 9,
    "a list of numbers": b"*1\r\n:7\r\n",
    "a list of lists": b"*1\r\n*1\r\n$1\r\nx\r\n",
    "a number": b":1\r\n",
    "a word": b"+OK\r\n",
    "a text": f"${len(SECRET)}\r\n{SECRET}\r\n".encode(),
    "bytes that are no vector": b"*1\r\n$3\r\nabc\r\n",
    "a vector of zeros": b"*1\r\n$256\r\n" + bytes(256) + b"\r\n",
    "a vector of other dimensions": b"*1\r\n$8\r\n" + b"\x00\x00\x80\x3f" * 2 + b"\r\n",
    "a vector that is not finite": b"*1\r\n$256\r\n" + b"\x00\x00\xc0\x7f" * 64 + b"\r\n",
    "a key that is no text": b"*2\r\n$1\r\n0\r\n*1\r\n$2\r\n\xff\xfe\r\n",
    "a length that is none": b"$99999999999\r\n",
    "no protocol": bytes(range(256)),
    "silence": b"",
}


@contextmanager
def serve(reply: bytes) -> Iterator[str]:
    """The URL of a server with this one reply; it closes the connection where that is empty."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while received := self.request.recv(65_536):
                    if not reply:
                        return
                    told = received.count(b"CLIENT\r\n") + received.count(b"HELLO\r\n")
                    self.request.sendall(b"+OK\r\n" * told or reply)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"redis://:{SECRET}@127.0.0.1:{server.server_address[1]}/0"
        finally:
            server.shutdown()
