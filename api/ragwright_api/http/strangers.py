"""Who may empty the caches: a page of another site may not, and a caller without the token not
often."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from ragwright_api.http.requests import media_type

# Types that a browser sends to other sites without asking them first.
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def refuse_other_sites(headers: Headers) -> None:
    """Raises HTTPException with 403 or 415. A program sends none of these headers."""
    foreign = any(not _is_own(origin, headers) for origin in headers.getlist("origin"))
    if foreign or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise HTTPException(403, "a page of another site may not do this: call it from a program")
    if any(media_type(value) in _FORM_TYPES for value in headers.getlist("content-type")):
        raise HTTPException(415, "this takes no form: send no body, or application/json")


def _is_own(origin: str, headers: Headers) -> bool:
    """Whether an origin is the address at which the caller reached us."""
    try:
        page = urlsplit(origin.lower())
        own = urlsplit(f"{page.scheme}://{headers.get('host', '').lower()}")
        default = _DEFAULT_PORTS.get(page.scheme)
        return bool(page.hostname) and (page.hostname, page.port or default) == (
            own.hostname,
            own.port or default,
        )
    except ValueError:  # no number for a port, or brackets without an end
        return False


def shows_token(headers: Headers, token: Callable[[], str | None]) -> bool:
    """Whether the caller shows the token, which is read at each call, because it may rotate."""
    kind, _, shown = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not (known := token()):
        return False
    return hmac.compare_digest(shown.strip().encode(), known.encode())
