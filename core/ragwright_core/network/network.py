"""Resolves a host, checks it, and connects to the address that was checked."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from ragwright_core.network.addresses import Address, read
from ragwright_core.network.guard import Guard
from ragwright_core.network.outside import NO_PROXIES, Outside, Proxies

# Kubernetes sets this variable in every pod.
API_SERVER_ENV = "KUBERNETES_SERVICE_HOST"
API_SERVER_NAME = "kubernetes.default.svc"


def resolve(host: str) -> list[Address]:
    """Every address of a host, as the machine's resolver orders them. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(read(str(item[4][0])) for item in found))


@dataclass(frozen=True)
class Network:
    """How endpoints and sources are reached. `api_server` are names and addresses of the Kubernetes
    API server. Tests pass a `resolve` and a `reach` of their own: `reach` gives the address that is
    connected to for one that was checked."""

    allowed_hosts: tuple[str, ...] = ()
    api_server: tuple[str, ...] = ()
    proxies: Proxies = NO_PROXIES
    resolve: Callable[[str], Sequence[Address]] = resolve
    reach: Callable[[Address], str] = str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """The network as a program in a pod, or outside of a cluster, sees it."""
        host = environment.get(API_SERVER_ENV)
        return cls(api_server=(host, API_SERVER_NAME) if host else ())

    def allowing(self, hosts: Sequence[str]) -> Self:
        """The same, for an administrator who allows these hosts alone; all of them if empty."""
        return replace(self, allowed_hosts=tuple(hosts))

    def through(self, outside: Outside) -> Self:
        """The same, for an administrator who names proxies."""
        return replace(self, proxies=Proxies.of(outside))

    def proxy_of(self, url: str) -> str:
        """The proxy that leads to a URL; empty where it is contacted directly."""
        return self.proxies.of_url(url)

    def check_proxied(self, host: str) -> None:
        """What can be said of a host that a proxy will contact: the proxy resolves it, perhaps to
        other addresses, or alone. Blocks. Raises ForbiddenAddressError."""
        try:
            found = list(self.resolve(host.strip("[]")))
        except OSError:
            found = []
        Guard(self.allowed_hosts, self._api_server()).check(host, found)

    def addresses(self, host: str) -> list[str]:
        """The addresses to connect to for a host, in order. Blocks. Raises OSError, or
        ForbiddenAddressError."""
        found = list(self.resolve(host.strip("[]")))
        Guard(self.allowed_hosts, self._api_server()).check(host, found)
        return [self.reach(address) for address in found]

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """A connection to the first address that answers. Blocks. Raises OSError, or
        ForbiddenAddressError."""
        last: OSError = OSError(f"{host} has no address")
        for address in self.addresses(host):
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as error:
                last = error
        raise last

    def _api_server(self) -> frozenset[Address]:
        found: set[Address] = set()
        for name in self.api_server:
            try:
                found |= set(self.resolve(name))
            except OSError:
                continue
        return frozenset(found)
