"""Trusts authorities of the administrator's own, beside the public ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi

# OpenSSL's own variable. httpx reads it, and by OpenSSL urllib3, redis and libpq
# (sslrootcert=system): each client makes its TLS context by itself, and none is forgotten.
_ENV = "SSL_CERT_FILE"


@contextmanager
def trusting(ca_bundle: str, folder: Path) -> Iterator[None]:
    """While this lasts, every client of this process and of its children trusts the bundle (PEM).
    Without a bundle nothing changes. `folder` gets a file."""
    if not ca_bundle:
        yield
        return
    file, before = folder / "authorities.pem", os.environ.get(_ENV)
    public = Path(before or certifi.where()).read_text()
    file.write_text(f"{public.rstrip()}\n{ca_bundle}")
    os.environ[_ENV] = str(file)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ENV]
        else:
            os.environ[_ENV] = before
