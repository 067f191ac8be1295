"""An authority of one's own, servers behind its certificates, and a proxy."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# A port of this machine, or the path of a socket.
Address = int | str
NAMES = "DNS:localhost,IP:127.0.0.1,DNS:models.example"


@dataclass(frozen=True)
class Authority:
    """`ca` is its certificate in PEM."""

    ca: str
    context: ssl.SSLContext

    @contextlib.contextmanager
    def before(self, server: Address) -> Iterator[int]:
        """A port that speaks TLS, before a server on this machine that does not."""
        with _serving(lambda client: _over_tls(self.context, client, server)) as port:
            yield port


def make_authority(folder: Path) -> Authority:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=test", "-keyout", "ca.key",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "ca.crt")  # fmt: skip
    openssl("req", *key, "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr")
    Path(folder, "server.ext").write_text(
        f"subjectAltName={NAMES}\nextendedKeyUsage=serverAuth\n"
        "keyUsage=critical,digitalSignature\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2",
            "-CAcreateserial", "-extfile", "server.ext", "-out", "server.crt")  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.set_alpn_protocols(["http/1.1", "postgresql"])
    return Authority((folder / "ca.crt").read_text(), context)


@dataclass
class Proxy:
    """A proxy for CONNECT alone, which leads names to ports of this machine."""

    leads: Mapping[str, int]
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := client.recv(4096)):
                return
            head += piece
        method, target, _ = head.split(b" ", 2)
        self.asked.append(target.decode())
        port = self.leads.get(target.decode())
        if method != b"CONNECT" or port is None:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _join(client, _connected(port))


@contextlib.contextmanager
def proxy(leads: Mapping[str, int]) -> Iterator[Proxy]:
    made = Proxy(leads)
    with _serving(made.connect) as made.port:
        yield made


@contextlib.contextmanager
def _serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                handle(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join(timeout=10)


def _over_tls(context: ssl.SSLContext, client: socket.socket, server: Address) -> None:
    with context.wrap_socket(client, server_side=True) as plain:
        _join(plain, _connected(server))


def _connected(server: Address) -> socket.socket:
    if isinstance(server, int):
        return socket.create_connection(("127.0.0.1", server))
    made = socket.socket(socket.AF_UNIX)
    made.connect(server)
    return made


def _join(one: socket.socket, other: socket.socket) -> None:
    """Hand on what comes, both ways, until one side ends."""
    with other:
        back = threading.Thread(target=_copy, args=(other, one), daemon=True)
        back.start()
        _copy(one, other)
        back.join(timeout=30)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
