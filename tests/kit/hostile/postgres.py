"""A server on the database's port that refuses, is no Postgres, or says what no test server says.

A server's first reply is one byte to the offer of TLS, then an error packet or anything at all.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socketserver import BaseRequestHandler, ThreadingTCPServer

_TLS_OFFER = bytes.fromhex("0000000804d2162f")
# Sent as a reply: the connection is reset instead.
RESET = b"\0reset"
_GSS_OFFER = bytes.fromhex("0000000804d21630")


def error(message: str, sqlstate: str = "XX000", severity: str = "FATAL") -> bytes:
    """An ErrorResponse, as protocol 3 has it."""
    fields = {"S": severity, "V": "FATAL", "C": sqlstate, "M": message}
    body = b"".join(name.encode() + text.encode() + b"\0" for name, text in fields.items()) + b"\0"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


@dataclass(frozen=True)
class Behaviour:
    """What it answers to an offer of TLS and then to the startup, and what a person must be told:
    `says` stands in the message, `hides` does not. `parameters` are added to the URL."""

    startup: bytes
    says: tuple[str, ...]
    tls: bytes = b"N"
    parameters: str = ""
    hides: tuple[str, ...] = ()


TABLE = {
    "a certificate is to be checked, and there is none to check with": Behaviour(
        b"", ("no root certificate", "sslrootcert=system"), b"S", "sslmode=verify-full"
    ),
    "it offers no TLS and the URL demands it": Behaviour(
        b"", ("offers no TLS", "sslmode=prefer"), parameters="sslmode=require"
    ),
    "an authority is to be checked, and there is none to check with": Behaviour(
        b"",
        ("a mounted file", "sslmode=verify-full with sslrootcert=system"),
        b"S",
        "sslmode=verify-ca",
    ),
    **{
        f"a service that takes encrypted connections only: {words[:20]}": Behaviour(
            error(words, sqlstate), (words[:20], "Add sslmode=require to the URL")
        )
        for words, sqlstate in (
            ("SSL connection is required. Please specify SSL options and retry.", "28000"),
            ("SSL required", "08P01"),
            ("This RDS Proxy requires TLS connections", "28000"),
            (
                'no pg_hba.conf entry for host "10.1.2.3", user "app", database "db", SSL off',
                "28000",
            ),
            ("SSL/TLS required", "28000"),
            ("You must use SSL to connect", "28000"),
        )
    },
    **{
        f"a login with Kerberos: {words}": Behaviour(
            error(words, "28000"), (words, "gssencmode=disable", "a password"), hides=("%40",)
        )
        for words in (
            'GSSAPI authentication failed for user "app"',
            'SSPI authentication failed for user "app"',
            "accepting GSS security context failed",
        )
    },
    "it asks for a login with Kerberos": Behaviour(
        b"R\0\0\0\x08\0\0\0\x07", ("gssencmode=disable", "scram-sha-256")
    ),
    **{
        f"a login by the name of the system's user: {kind}": Behaviour(
            error(f'{kind} authentication failed for user "app"', "28000"),
            (f"{kind} authentication failed", "pg_hba.conf"),
            hides=("%40",),
        )
        for kind in ("Peer", "Ident")
    },
    "it breaks the connection off": Behaviour(
        RESET, ("closed the connection", "something between")
    ),
    "it agrees to TLS and breaks off": Behaviour(
        RESET, ("closed the connection", "something between"), b"S", "sslmode=require"
    ),
    "it agrees to TLS and speaks none": Behaviour(
        b"HTTP/1.1 400 Bad Request\r\n\r\n", ("TLS",), b"S", "sslmode=require"
    ),
    "pg_hba.conf has no entry without encryption": Behaviour(
        error(
            'no pg_hba.conf entry for host "10.1.2.3", user "app", database "db", no encryption',
            "28000",
        ),
        ('no pg_hba.conf entry for host "10.1.2.3"', "sslmode=require"),
    ),
    "pg_hba.conf has no entry": Behaviour(
        error('no pg_hba.conf entry for host "10.1.2.3", user "app", database "db"', "28000"),
        ("no pg_hba.conf entry", "pg_hba.conf"),
    ),
    "it takes encrypted connections only": Behaviour(
        error("connection is insecure (try using `sslmode=require`)", "28000"),
        ("connection is insecure", "sslmode=require"),
    ),
    "a pooler knows no such tenant": Behaviour(
        error("Tenant or user not found"), ("Tenant or user not found", "user name")
    ),
    "it refuses the password": Behaviour(
        error('password authentication failed for user "app"', "28P01"),
        ('password authentication failed for user "app"', "percent-encode"),
    ),
    "another server's words for a wrong password": Behaviour(
        error("SASL authentication failed", "08P01"),
        ("SASL authentication failed", "percent-encode"),
    ),
    "a role is missing": Behaviour(
        error('role "app" does not exist', "28000"), ('role "app" does not exist', "create")
    ),
    "a database is missing": Behaviour(
        error('database "db" does not exist', "3D000"), ('database "db" does not exist', "create")
    ),
    "a role may not log in": Behaviour(
        error('role "app" is not permitted to log in', "28000"),
        ("not permitted to log in", "LOGIN"),
    ),
    "a role may not connect": Behaviour(
        error('permission denied for database "db"', "42501"),
        ("permission denied for database", "GRANT CONNECT"),
    ),
    "it has no connection left": Behaviour(
        error("sorry, too many clients already", "53300"),
        ("too many clients already", "no connection left"),
    ),
    "the last connections are reserved": Behaviour(
        error(
            "remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "53300",
        ),
        ("remaining connection slots are reserved", "no connection left"),
    ),
    "a pooler has no connection left": Behaviour(
        error("MaxClientsInSessionMode: max clients reached", "XX000"),
        ("max clients reached", "no connection left"),
    ),
    "it is starting up": Behaviour(
        error("the database system is starting up", "57P03"),
        ("is starting up", "tried again"),
    ),
    "it is shutting down": Behaviour(
        error("the database system is shutting down", "57P03"),
        ("is shutting down", "tried again"),
    ),
    "it recovers": Behaviour(
        error("the database system is not yet accepting connections", "57P03"),
        ("not yet accepting connections", "tried again"),
    ),
    "a pooler takes no such parameter": Behaviour(
        error("unsupported startup parameter: search_path", "08P01"),
        ("unsupported startup parameter: search_path", "pooler"),
    ),
    "words that nobody foresaw": Behaviour(
        error("The endpoint has been disabled. Enable it using the console and retry."),
        ("The endpoint has been disabled. Enable it", "database.secretKeyRef"),
    ),
    "words of another language": Behaviour(
        error(
            "Passwort-Authentifizierung für Benutzer »app« fehlgeschlagen", "28P01", "SCHWERWIEGEND"
        ),
        ("Passwort-Authentifizierung für Benutzer »app« fehlgeschlagen",),
    ),
    "words without an end, over several lines": Behaviour(
        error("first line\nsecond line\x1b[31m " + "x" * 20_000),
        ("first line",),
        hides=("\n", "\x1b"),
    ),
    "it repeats the password": Behaviour(
        error("you wrote p%w0rd-s3cret as password"), ("you wrote *** as password",)
    ),
    "it asks for a login that is not known": Behaviour(
        b"R\0\0\0\x08\0\0\0\x63", ("a login that this program does not know", "scram-sha-256")
    ),
    "a web server": Behaviour(b"HTTP/1.1 400 Bad Request\r\n\r\n", ("no Postgres", "port"), b"H"),
    "a web server, TLS demanded": Behaviour(
        b"HTTP/1.1 400 Bad Request\r\n\r\n", ("no Postgres", "port"), b"H", "sslmode=require"
    ),
    "a web server, TLS not offered": Behaviour(
        b"HTTP/1.1 400 Bad Request\r\n\r\n", ("no Postgres", "port"), parameters="sslmode=disable"
    ),
    "a server that greets first": Behaviour(
        b"SSH-2.0-OpenSSH_9.6\r\n", ("no Postgres", "port"), b"SSH-2.0-OpenSSH_9.6\r\n"
    ),
    "it closes without a word": Behaviour(b"", ("closed the connection",)),
}


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    """A URL, with a password, of a server that behaves so."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                _answer(self.request, behaviour)

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        port = server.server_address[1]
        parameters = f"?{behaviour.parameters}" if behaviour.parameters else ""
        try:
            yield f"postgresql://app:p%25w0rd-s3cret@127.0.0.1:{port}/db{parameters}"
        finally:
            server.shutdown()


def _answer(client: socket.socket, behaviour: Behaviour) -> None:
    client.settimeout(10)
    received = client.recv(65_536)
    while received in (_TLS_OFFER, _GSS_OFFER):
        _send(client, b"N" if received == _GSS_OFFER else behaviour.tls)
        received = client.recv(65_536)
    if received:
        _send(client, behaviour.startup)


def _send(client: socket.socket, reply: bytes) -> None:
    if reply == RESET:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    else:
        client.sendall(reply)
