"""How a pipeline's pods reach what is outside the cluster, as the administrator has set it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from pydantic import Field

from ragwright_core.model import Wire


class Outside(Wire):
    """`ca_bundle` (PEM) holds authorities that are trusted beside the public ones. Proxies are URLs
    without credentials; what `no_proxy` names is contacted directly."""

    ca_bundle: str = ""
    https_proxy: str = ""
    http_proxy: str = ""
    no_proxy: list[str] = Field(default=[])


AS_IT_IS = Outside()


@dataclass(frozen=True)
class Proxies:
    https: str = ""
    http: str = ""
    none_for: tuple[str, ...] = ()

    @classmethod
    def of(cls, outside: Outside) -> Proxies:
        return cls(outside.https_proxy, outside.http_proxy, tuple(outside.no_proxy))

    def of_url(self, url: str) -> str:
        """The proxy for a URL; empty where there is none. A URL that cannot be read has none."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return ""
        proxy = self.https if parts.scheme == "https" else self.http
        host = (parts.hostname or "").rstrip(".").lower()
        return "" if any(_names(item, host) for item in self.none_for) else proxy


NO_PROXIES = Proxies()


def _names(item: str, host: str) -> bool:
    """As curl and Go read NO_PROXY: a domain names the hosts below it too; a range names addresses
    that are written in a URL."""
    item = item.strip().lower().removeprefix("*.").strip(".")
    if item in ("*", host) or (item and host.endswith(f".{item}")):
        return True
    try:
        return ip_address(host) in ip_network(item, strict=False)
    except ValueError:
        return False
