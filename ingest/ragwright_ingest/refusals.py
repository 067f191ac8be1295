"""What a database says when it refuses a Job, in its own words, with what to do next.

Only what the server itself said is repeated. libpq's own messages are put into other words, because
they repeat parts of the URL, which may be parts of the password.
"""

from __future__ import annotations

import re

import psycopg

_SECRET = "Check the Secret in database.secretKeyRef, if the spec names one"
_PASSWORD = (
    "Correct the user name and the password in the Secret of database.secretKeyRef; percent-encode "
    "what is not a letter or a digit in them (@ is %40, / is %2F, % is %25)"
)
_CERTIFICATE = (
    "name a mounted file of its authority (sslrootcert=FILE) or, if that is a public one, write "
    "sslmode=verify-full with sslrootcert=system"
)
_KERBEROS = (
    "pods have no Kerberos ticket. Write gssencmode=disable, and use a role with a password "
    "(scram-sha-256 in pg_hba.conf)"
)
_CLOSED = (
    "it closed the connection, or something between did (a firewall, a balancer, a port that is "
    f"not Postgres'). {_SECRET}; it is tried again"
)
_NO_POSTGRES = "what answers there is no Postgres. Correct host and port in database.secretKeyRef"
_NO_HOST = (
    f"its host name is not known. {_SECRET}: an @ in the password has to be percent-encoded (%40)"
)
_STANDBY = "it takes no writes: it is a standby, or set read-only; name the primary"

# A line of the server: its severity, which may be translated, and what it says.
_SERVER_SAYS = re.compile(r"(?:^|: )[^\W\d_]+:  (?P<said>.+)", re.DOTALL)
_LONGEST = 250

# What the server said, and what helps.
_CURES = (
    (
        r"no encryption|ssl off|insecure|sslmode=require|requires? (?:a )?(?:ssl|tls)|"
        r"must use (?:ssl|tls)|\b(?:ssl|tls)\b.{0,20} required|(?:ssl|tls) connections only",
        "Add sslmode=require to the URL",
    ),
    (
        r"no pg_hba\.conf entry|rejects connection",
        "Let this user and the pods' addresses in: pg_hba.conf of the server, or the network rules "
        "of its provider",
    ),
    (
        r"tenant or user not found",
        "This pooler reads its tenant from the user name: copy the URL anew from the provider's "
        "page, with its host and a user name such as postgres.PROJECT",
    ),
    (
        r"(?:role|database|user) \S+ does not exist",
        "Let an administrator create it, or correct its name in the URL",
    ),
    (r"not permitted to log in", "As administrator: ALTER ROLE ... LOGIN"),
    (r"permission denied for database", "As administrator: GRANT CONNECT ON DATABASE ... TO ..."),
    (
        r"too many|connection slots|max[ _]?client|no more connections|connection limit",
        "It has no connection left: give it more (max_connections, the role's or pooler's limit), "
        "or ask for fewer (api.replicas, ingest.parallelism); it is tried again",
    ),
    (r"starting up|shutting down|not yet accepting|in recovery", "It is tried again"),
    (
        r"startup parameter",
        "A pooler is between: let it ignore this parameter, or name the server itself",
    ),
    (r"gss|sspi|kerberos", f"{_KERBEROS[0].upper()}{_KERBEROS[1:]}"),
    (
        r"\b(?:peer|ident) authentication",
        "Let it log in with a password: scram-sha-256 in pg_hba.conf for this user and database",
    ),
    (r"certificate", "The login needs a client certificate: use a role with a password"),
    (r"read-only|hot standby", _STANDBY),
    (r"password|authenticat|sasl|credential", _PASSWORD),
)

# Signs in libpq's own message, in this order, and what they mean.
_CAUSES = (
    (
        "may not be used with sslrootcert=system",
        "sslrootcert=system checks the server's name, too: write sslmode=verify-full",
    ),
    (
        "may not be used with sslnegotiation=direct",
        "sslnegotiation=direct is encrypted from the first byte: write sslmode=verify-full, or "
        "sslmode=require",
    ),
    ("Connection reset", _CLOSED),
    ("Broken pipe", _CLOSED),
    ("EOF detected", _CLOSED),
    ("unexpected eof", _CLOSED),
    (
        "root certificate file",
        f"there is no root certificate to check its certificate with: {_CERTIFICATE}",
    ),
    (
        "no matching root",
        f"there is no root certificate to check its certificate with: {_CERTIFICATE}",
    ),
    (
        "certificate verify failed",
        f"no authority that is known signed its certificate: {_CERTIFICATE}",
    ),
    (
        "does not match host name",
        "its certificate names another host. Write that name into the URL",
    ),
    (
        "does not support SSL",
        "it offers no TLS, and the URL demands it. Turn TLS on there, or write sslmode=prefer",
    ),
    ("response to SSL negotiation", _NO_POSTGRES),
    ("received invalid response to", _NO_POSTGRES),
    ("expected authentication request", _NO_POSTGRES),
    ("wrong version number", f"it agrees to TLS and then speaks none: {_NO_POSTGRES}"),
    ("GSS", _KERBEROS),
    ("gssencmode", _KERBEROS),
    ("SSPI", _KERBEROS),
    ("SSL", "TLS fails between it and this pod. Check sslmode and the certificates in the URL"),
    ("no password supplied", f"it asks for a password, and the URL has none. {_PASSWORD}"),
    (
        "authentication method",
        "it asks for a login that this program does not know. Use a role with a password "
        "(scram-sha-256)",
    ),
    ("Connection refused", f"nothing listens there. {_SECRET}"),
    ("could not translate host name", _NO_HOST),
    ("failed to resolve host", _NO_HOST),
    ("timeout", f"it did not answer in 5 s. {_SECRET}, and what the network lets through"),
    ("timed out", f"it did not answer in 5 s. {_SECRET}, and what the network lets through"),
    ("unreachable", f"no way leads to its address. {_SECRET}, and what the network lets through"),
    ("No route to host", f"no way leads to its address. {_SECRET}"),
    ("invalid port number", f"the port in the URL is no number up to 65535. {_SECRET}"),
    (
        "invalid sslmode",
        f"its sslmode is none of disable, prefer, require, verify-ca and verify-full. {_SECRET}",
    ),
    ("read-only", _STANDBY),
    ("hot standby", _STANDBY),
    ("closed the connection", _CLOSED),
    ("connection has been closed", _CLOSED),
    ("the connection is lost", _CLOSED),
)


# A limit of the server (54), which counts among psycopg's operational errors, is about what is
# stored, not about the server.
_LIMIT = "54"


def is_unavailable(error: psycopg.Error) -> bool:
    """Whether the database is away or cannot go on, so that nothing can be stored at all."""
    if isinstance(error, psycopg.OperationalError):
        return not (error.sqlstate or "").startswith(_LIMIT)
    return isinstance(error, psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction)


def unavailable(error: psycopg.Error) -> str:
    """Why the database cannot be reached or cannot go on, without anything from the URL."""
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return (
            f"the database cannot be reached: its URL is not a valid postgresql:// URI. {_PASSWORD}"
        )
    if error.sqlstate and error.sqlstate.startswith("53"):
        return (
            f"the database lacks resources: {error.diag.message_primary}. Give it more disk, "
            "memory or connections; it is tried again"
        )
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return (
            "a session of another program holds a view or table of the pipeline for minutes; end "
            "its transaction (pg_stat_activity shows it); it is tried again"
        )
    if said := _said(error):
        cure = next((cure for sign, cure in _CURES if re.search(sign, said, re.I)), _SECRET)
        return f"the database cannot be used. It says: {said}. {cure}"
    text = str(error)
    cause = next(
        (words for sign, words in _CAUSES if sign in text), f"{type(error).__name__}. {_SECRET}"
    )
    return f"the database cannot be reached: {cause}"


def is_about_content(error: Exception) -> bool:
    """Whether what is stored is refused, so that something else may be stored."""
    if not isinstance(error, psycopg.Error):
        return True  # raised here, while the values were made ready to be sent
    limit_or_raised = (error.sqlstate or "").startswith((_LIMIT, "P0", "XX000"))
    return isinstance(error, psycopg.DataError | psycopg.IntegrityError) or limit_or_raised


def refused(error: Exception) -> str:
    """Why the database refuses a statement that it has understood, or content."""
    if not isinstance(error, psycopg.Error):
        return f"the database refuses its content ({type(error).__name__})"
    said = _said(error) or type(error).__name__
    return f"the database refuses what it is asked to store or do: {said} ({error.sqlstate})"


def _said(error: psycopg.Error) -> str:
    """The server's own words in one line of bounded length, or nothing if it said nothing."""
    found = _SERVER_SAYS.search(str(error))
    said = error.diag.message_primary or (found["said"].split("\n")[0] if found else "")
    password = error.pgconn.password if error.pgconn else b""
    if password:
        said = said.replace(password.decode(errors="replace"), "***")
    printable = "".join(letter if letter.isprintable() else " " for letter in said)
    return printable.strip()[:_LONGEST].rstrip(".")
