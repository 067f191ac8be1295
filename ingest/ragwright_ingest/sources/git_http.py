"""The HTTP by which git repositories are fetched: guarded addresses, redirects on the same host
alone, and failures in our own words. What a server says is never repeated: an author could read
with it what an address inside the cluster answers."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection, port_by_scheme
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as HttpTimeoutError

from ragwright_core.network import ForbiddenAddressError, Network
from ragwright_core.report import Reason

TIMEOUT_SECONDS = 30.0
_CAREFUL: Any = {"timeout": TIMEOUT_SECONDS, "cert_reqs": "CERT_REQUIRED"}
_REPLY_AS_IT_IS: Any = {"redirect": False, "retries": False, "preload_content": False}
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429})
_GIT = "application/x-git-"


class GitFailureError(Exception):
    """Why a repository cannot be fetched. `words` go on after its URL."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words


class LoginNeededError(GitFailureError):
    """The server wants a login, or another one."""

    def __init__(self) -> None:
        super().__init__(Reason.SOURCE_UNAUTHORIZED, "wants a login")


class Http:
    """What dulwich needs of urllib3's pool manager."""

    def __init__(self, network: Network) -> None:
        self.headers: dict[str, str] = {"User-Agent": "git/ragwright"}
        self._network = network
        self._by_proxy: dict[str, urllib3.PoolManager] = {}
        self._replies: list[urllib3.BaseHTTPResponse] = []

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        **_others: Any,
    ) -> urllib3.BaseHTTPResponse:
        """The reply of a git server. Raises GitFailureError for every other."""
        asked, sent = url, dict(headers)
        for _redirect in range(_MAX_REDIRECTS + 1):
            response = self._sent(method, asked, sent, body)
            self._replies.append(response)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                break
            asked = _followed(asked, location, sent)
        else:
            raise GitFailureError(Reason.SOURCE_NOT_FOUND, "redirects in a circle: correct git.url")
        _require_git(response)
        response.url = asked
        return response

    def clear(self) -> None:
        """Close what is open: dulwich leaves a reply that it does not understand half read."""
        for reply in self._replies:
            reply.close()
        for pools in self._by_proxy.values():
            pools.clear()

    def _sent(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        try:
            pools = self._pools(url)
            return pools.request(method, url, headers=headers, body=body, **_REPLY_AS_IT_IS)
        except (HTTPError, ForbiddenAddressError) as error:
            raise failure_of(error) from None

    def _pools(self, url: str) -> urllib3.PoolManager:
        """Raises ForbiddenAddressError for a host that no proxy is asked for."""
        proxy = self._network.proxy_of(url)
        if proxy:
            self._network.check_proxied(urlsplit(url).hostname or "")
        if proxy not in self._by_proxy:
            made = (
                urllib3.ProxyManager(proxy, **_CAREFUL)
                if proxy
                else urllib3.PoolManager(**_CAREFUL)
            )
            if not proxy:
                made.pool_classes_by_scheme = _guarded(self._network)
            self._by_proxy[proxy] = made
        return self._by_proxy[proxy]


def _guarded(network: Network) -> dict[str, Any]:
    """Pools whose connections lead only to addresses that were checked."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(network, self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(network, self)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connected(network: Network, connection: HTTPConnection) -> socket.socket:
    try:
        return network.connect(connection.host, connection.port, TIMEOUT_SECONDS)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "timed out") from error
    except OSError as error:
        raise NewConnectionError(connection, "not connected") from error


def _followed(url: str, location: str, headers: dict[str, str]) -> str:
    """The URL of a redirect on the same host. A login is not sent on to another origin."""
    leads_to = _joined(url, location)
    before, after = _origin(url), _origin(leads_to)
    if after is None or before is None or after[1] != before[1] or not _is_same_door(before, after):
        raise GitFailureError(
            Reason.SOURCE_NOT_FOUND,
            "redirects to another host or port: write the URL that it leads to into git.url; if "
            "that is a page to log in, name a Secret in git.secretRef",
        )
    if after != before:
        headers.pop("authorization", None)
    return leads_to


def _joined(url: str, location: str) -> str:
    """Empty if the redirect leads to no URL."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or port_by_scheme[parts.scheme]
    except (ValueError, KeyError):
        return None
    return parts.scheme, (parts.hostname or "").rstrip("."), port


def _is_same_door(before: tuple[str, str, int], after: tuple[str, str, int]) -> bool:
    """The same port, or from http to https on their own ports."""
    return before[2] == after[2] or (before[2], after[2]) == (80, 443)


def _require_git(response: urllib3.BaseHTTPResponse) -> None:
    status = response.status
    if status in (401, 403, 407):
        raise LoginNeededError
    if status in (404, 410):
        raise GitFailureError(
            Reason.SOURCE_NOT_FOUND,
            "is no git repository, or one that needs a login: correct git.url, or name a Secret "
            "that may read it in git.secretRef",
        )
    if status in _PASSING or status >= 500:
        raise GitFailureError(
            Reason.SOURCE_UNREACHABLE,
            f"answers HTTP {status}. It is tried again with growing pauses",
        )
    if status != 200:
        raise GitFailureError(
            Reason.SOURCE_NOT_FOUND,
            f"answers HTTP {status}, and no git repository: correct git.url",
        )
    kind = response.headers.get("Content-Type") or ""
    if kind.startswith("text/html"):
        raise GitFailureError(
            Reason.SOURCE_UNAUTHORIZED,
            "is a web page, and no repository: is a login needed (git.secretRef), and is git.url "
            "right?",
        )
    if not kind.startswith(_GIT):
        raise GitFailureError(
            Reason.SOURCE_NOT_FOUND,
            "is no git server (it does not speak git's smart HTTP protocol): correct git.url",
        )


_BY_PROXY = "the proxy that the administrator named does not lead there"
_AGAIN = "It is tried again with growing pauses"


def failure_of(error: Exception) -> GitFailureError:
    """What happened to a connection, in our own words."""
    if isinstance(error, ForbiddenAddressError):
        return GitFailureError(Reason.SOURCE_NOT_FOUND, f"cannot be fetched: {error}")
    if isinstance(error, LocationValueError):
        return GitFailureError(Reason.SOURCE_NOT_FOUND, "is no URL: correct git.url")
    cause = _BY_PROXY if isinstance(error, ProxyError) else _cause(error)
    return GitFailureError(Reason.SOURCE_UNREACHABLE, f"cannot be reached: {cause}. {_AGAIN}")


def _cause(error: Exception) -> str:
    if isinstance(error, NameResolutionError):
        return "its host name is not known"
    if isinstance(error, HttpTimeoutError) and not isinstance(error, NewConnectionError):
        return f"it did not answer in {TIMEOUT_SECONDS:.0f} s"
    if isinstance(error, NewConnectionError):
        refused = getattr(error.__cause__, "errno", None) == errno.ECONNREFUSED
        return "nothing listens there" if refused else "the network does not lead there"
    if isinstance(error, SSLError):
        found = error.args[0] if error.args else None
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted ({found.verify_message})"
        return "it speaks no TLS there (http:// instead of https://, or another port?)"
    return "it broke off its reply"
