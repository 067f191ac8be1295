"""Where a request goes: a base URL with the path of a call. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, urlsplit, urlunsplit

# Hosts of Azure that take a key in the header `api-key`.
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


@dataclass(frozen=True)
class BaseUrl:
    """A base URL as the author wrote it. Its query stays behind the path of a call."""

    written: str

    def call(self, path: str) -> str:
        """The URL of a call, such as `/embeddings`; also where the author wrote it already."""
        parts = _split(self.written)
        base = parts.path.rstrip("/").removesuffix(path)
        return urlunsplit((parts.scheme, parts.netloc, f"{base}{path}", parts.query, ""))

    @property
    def shown(self) -> str:
        """For messages: without the query, which may hold a key."""
        parts = _split(self.written)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

    @property
    def is_azure(self) -> bool:
        parts = _split(self.written)
        host = parts.hostname or ""
        return "api-version" in parse_qs(parts.query) or host.endswith(_AZURE)


def same_host(one: str, other: str) -> bool:
    """Whether a redirect from `one` to `other` stays on the host, and does not leave TLS."""
    before, after = urlsplit(one), urlsplit(other)
    if before.hostname != after.hostname or (before.scheme, after.scheme) == ("https", "http"):
        return False
    return _port(before.scheme, before.port) == _port(after.scheme, after.port) or (
        (before.scheme, after.scheme) == ("http", "https")
        and (_port(before.scheme, before.port), _port(after.scheme, after.port)) == (80, 443)
    )


def _split(url: str) -> SplitResult:
    """The parts of a URL, which are empty where it has no form of one: no request is sent then."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)
