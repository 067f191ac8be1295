"""Servers at a repository's URL that are no git servers, lead away, or speak git badly on purpose.

What they send holds SECRET where a careless client would repeat it. A behaviour is a function of
the request's method and path that gives a status, headers and a body.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ragwright_core.report import Reason

SECRET = "r00t-t0ken-of-somebody-else"
ADVERTISED = {"Content-Type": "application/x-git-upload-pack-advertisement"}
RESULT = {"Content-Type": "application/x-git-upload-pack-result"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
_ID = b"1" * 40

Answer = tuple[int, Mapping[str, str], bytes]
Respond = Callable[[str, str], Answer]


def line(text: bytes) -> bytes:
    """A line of git's protocol."""
    return b"%04x%s" % (len(text) + 4, text)


def refs(first: bytes = b"HEAD", *more: bytes) -> bytes:
    """What `info/refs` sends: ids and names of refs, and what the server can do."""
    found = [line(_ID + b" " + first + b"\0 multi_ack thin-pack side-band-64k shallow agent=x\n")]
    found += [line(_ID + b" " + name + b"\n") for name in more]
    return line(b"# service=git-upload-pack\n") + b"0000" + b"".join(found) + b"0000"


@dataclass(frozen=True)
class Behaviour:
    respond: Respond
    reason: Reason
    says: tuple[str, ...]


def always(status: int, headers: Mapping[str, str], body: bytes = b"") -> Respond:
    return lambda _method, _path: (status, headers, body)


def advertised(body: bytes) -> Respond:
    return always(200, ADVERTISED, body)


def then(packed: Answer, advertisement: bytes = b"") -> Respond:
    """Sound refs, and then this when the commit is asked for."""
    sound = advertisement or refs(b"HEAD", b"refs/heads/main")
    return lambda method, _path: packed if method == "POST" else (200, ADVERTISED, sound)


_SECRET = SECRET.encode()
_PLAIN = {"Content-Type": "text/plain"}
_JSON = {"Content-Type": "application/json"}
_UNREACHABLE, _NOT_FOUND = Reason.SOURCE_UNREACHABLE, Reason.SOURCE_NOT_FOUND
_LOGIN = Reason.SOURCE_UNAUTHORIZED

TABLE = {
    "a page to log in": Behaviour(
        always(200, HTML, b"<html>" + _SECRET), _LOGIN, ("a web page", "git.secretRef")
    ),
    "a page to log in, behind a redirect on the same host": Behaviour(
        lambda _, path: (
            (200, HTML, _SECRET)
            if path.startswith("/login")
            else (302, {"Location": f"/login?token={SECRET}"}, b"")
        ),
        _LOGIN,
        ("a web page", "git.secretRef"),
    ),
    "a page to log in, on another host": Behaviour(
        always(302, {"Location": f"https://login.example.org/{SECRET}"}),
        _NOT_FOUND,
        ("another host", "git.secretRef"),
    ),
    "another port of the same host": Behaviour(
        always(307, {"Location": "http://127.0.0.1:9/docs.git/info/refs"}),
        _NOT_FOUND,
        ("another host or port",),
    ),
    "another scheme": Behaviour(
        always(302, {"Location": f"file:///etc/{SECRET}"}), _NOT_FOUND, ("another host or port",)
    ),
    "a redirect to no URL": Behaviour(
        always(302, {"Location": "http://[::1:x/"}), _NOT_FOUND, ("another host or port",)
    ),
    "a redirect without an aim": Behaviour(always(302, {}), _NOT_FOUND, ("HTTP 302",)),
    "a circle": Behaviour(
        lambda _, path: (302, {"Location": f"{path}x"}, b""), _NOT_FOUND, ("in a circle",)
    ),
    "a redirect to another path that is no repository": Behaviour(
        lambda _, path: (
            (200, ADVERTISED, refs())
            if path.startswith("/other")
            else (302, {"Location": "/other"}, b"")
        ),
        _UNREACHABLE,
        ("git's protocol",),
    ),
    "plain text": Behaviour(always(200, _PLAIN, _SECRET), _NOT_FOUND, ("no git server",)),
    "what a dumb server would send": Behaviour(
        always(200, _PLAIN, _ID + b"\trefs/heads/" + _SECRET + b"\n"),
        _NOT_FOUND,
        ("no git server",),
    ),
    "JSON": Behaviour(
        always(200, _JSON, b'{"token": "%s"}' % _SECRET), _NOT_FOUND, ("no git server",)
    ),
    "no content type": Behaviour(always(200, {}, _SECRET), _NOT_FOUND, ("no git server",)),
    "nothing": Behaviour(always(204, {}), _NOT_FOUND, ("HTTP 204",)),
    **{
        f"status {status}": Behaviour(always(status, _PLAIN, _SECRET), reason, (says,))
        for status, reason, says in (
            (400, _NOT_FOUND, "HTTP 400"),
            (401, _LOGIN, "asks for a login"),
            (403, _LOGIN, "asks for a login"),
            (404, _NOT_FOUND, "no git repository"),
            (405, _NOT_FOUND, "HTTP 405"),
            (407, _LOGIN, "login"),
            (408, _UNREACHABLE, "HTTP 408"),
            (410, _NOT_FOUND, "no git repository"),
            (418, _NOT_FOUND, "HTTP 418"),
            (429, _UNREACHABLE, "HTTP 429"),
            (451, _NOT_FOUND, "HTTP 451"),
            (500, _UNREACHABLE, "HTTP 500"),
            (503, _UNREACHABLE, "HTTP 503"),
            (599, _UNREACHABLE, "HTTP 599"),
        )
    },
    "the type of git around a secret": Behaviour(
        advertised(_SECRET), _UNREACHABLE, ("git's protocol",)
    ),
    "the type of git around nothing": Behaviour(advertised(b""), _UNREACHABLE, ("git's protocol",)),
    "an error of git": Behaviour(
        advertised(line(b"ERR " + _SECRET)), _UNREACHABLE, ("git's protocol",)
    ),
    "lines that end too soon": Behaviour(
        advertised(b"ffff" + _SECRET), _UNREACHABLE, ("git's protocol",)
    ),
    "a line of a length that is none": Behaviour(
        advertised(b"zzzz" + _SECRET), _UNREACHABLE, ("git's protocol",)
    ),
    "refs that are none": Behaviour(
        advertised(line(b"# service=git-upload-pack\n") + b"0000" + line(_SECRET) + b"0000"),
        _UNREACHABLE,
        ("git's protocol",),
    ),
    "ids that are none": Behaviour(
        advertised(refs(b"HEAD", b"refs/heads/main").replace(_ID, _SECRET.ljust(40, b"x"))),
        _UNREACHABLE,
        ("git's protocol",),
    ),
    "a body that is not compressed as it says": Behaviour(
        always(200, {**ADVERTISED, "Content-Encoding": "gzip"}, _SECRET), _UNREACHABLE, ("reply",)
    ),
    "a compressed body that breaks off": Behaviour(
        always(200, {**ADVERTISED, "Content-Encoding": "gzip"}, gzip.compress(refs())[:20]),
        _UNREACHABLE,
        ("git",),
    ),
    "a length that is not sent": Behaviour(
        always(200, {**ADVERTISED, "Content-Length": "5000"}, refs(b"HEAD", b"refs/heads/main")),
        _UNREACHABLE,
        (),
    ),
    "a page instead of a pack": Behaviour(then((200, HTML, _SECRET)), _LOGIN, ("a web page",)),
    "a failure instead of a pack": Behaviour(
        then((500, _PLAIN, _SECRET)), _UNREACHABLE, ("HTTP 500",)
    ),
    "an error instead of a pack": Behaviour(
        then((200, RESULT, line(b"ERR " + _SECRET))), _UNREACHABLE, ("git's protocol",)
    ),
    "an error beside the pack": Behaviour(
        then((200, RESULT, line(b"NAK\n") + line(b"\x03" + _SECRET))),
        _UNREACHABLE,
        ("git's protocol",),
    ),
    "a pack that is none": Behaviour(
        then((200, RESULT, line(b"NAK\n") + line(b"\x01" + _SECRET) + b"0000")),
        _UNREACHABLE,
        ("git's protocol",),
    ),
    "no pack at all": Behaviour(
        then((200, RESULT, line(b"NAK\n") + b"0000")), _UNREACHABLE, ("git's protocol",)
    ),
    "other refs": Behaviour(
        advertised(refs(b"refs/heads/trunk", b"refs/heads/maine", b"refs/tags/v1")),
        _NOT_FOUND,
        ("no branch or tag 'main'", "maine, trunk, v1"),
    ),
    "refs of odd names": Behaviour(
        advertised(refs(b"refs/heads/x y" + _SECRET, b"refs/heads/" + b"z" * 900, b"refs/tags/v1")),
        _NOT_FOUND,
        ("Those that are there: v1. ",),
    ),
    "a thousand refs": Behaviour(
        advertised(refs(*(b"refs/heads/b%d" % n for n in range(1000)))),
        _NOT_FOUND,
        ("and 990 more",),
    ),
    "no refs": Behaviour(
        advertised(
            line(b"# service=git-upload-pack\n")
            + b"0000"
            + line(b"0" * 40 + b" capabilities^{}\0 multi_ack agent=x\n")
            + b"0000"
        ),
        _NOT_FOUND,
        ("is empty", "push a branch"),
    ),
}


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    """The URL of a repository on a server that behaves so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = behaviour.respond(self.command, self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            if "Content-Length" not in headers and status != 204:
                self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/docs.git"
        finally:
            server.shutdown()
