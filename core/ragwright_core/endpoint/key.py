"""The API key of an endpoint, read from its mounted file at each request."""

from __future__ import annotations

import re
from pathlib import Path

_USABLE = re.compile(r"[\x21-\x7e]+")


class KeyUnusableError(Exception):
    """The key is not mounted (yet), or cannot be sent. The message names Secret and key."""


def read_key(secret_file: Path | None) -> str | None:
    """The key, read anew each time, so that a rotated Secret needs no restart; None where the
    endpoint needs none."""
    if secret_file is None:
        return None
    secret, name = secret_file.parent.name, secret_file.name
    try:
        key = secret_file.read_bytes().decode("utf-8-sig", "replace").strip()
    except OSError:
        raise KeyUnusableError(
            f"Secret {secret} has no key {name}, or does not exist: "
            f"kubectl create secret generic {secret} --from-literal={name}=..."
        ) from None
    if not _USABLE.fullmatch(key):
        raise KeyUnusableError(
            f"key {name} of Secret {secret} is empty, or holds spaces, line breaks or other "
            "characters that no API key has: write the key alone"
        )
    return key


def headers(key: str | None, *, azure: bool) -> dict[str, str]:
    """Azure takes a key in a header of its own, and anything in the usual one for a sign-in."""
    if key is None:
        return {}
    return {"api-key": key} if azure else {"Authorization": f"Bearer {key}"}
