"""Which hosts a pipeline's author may name. Pure: names are resolved elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from ragwright_core.network.addresses import Address, AddressRange, never, plain


class ForbiddenAddressError(Exception):
    """A host that may not be contacted. The message names the host that the author wrote, and no
    address, because it is shown to people who may not know what is inside the cluster."""


@dataclass(frozen=True)
class Guard:
    """`allowed_hosts` is the administrator's list: names, `*.` and a domain, addresses, or ranges.
    Empty, it allows every host that is not always refused. `api_server` are the addresses of the
    Kubernetes API server."""

    allowed_hosts: tuple[str, ...] = ()
    api_server: frozenset[Address] = frozenset()

    def check(self, host: str, addresses: Iterable[Address]) -> None:
        """Raises ForbiddenAddressError unless every address that `host` resolved to may be
        contacted: a name that also resolves to a forbidden address is not to be trusted."""
        found = [plain(address) for address in addresses]
        for address in found:
            if (what := self._always_refused(address)) is not None:
                raise ForbiddenAddressError(
                    f"{host} is {what}, which a pipeline may not contact: name a host outside "
                    "this machine, reachable from the cluster's pods"
                )
        if self.allowed_hosts and not self._is_allowed(host, found):
            raise ForbiddenAddressError(
                f"{host} is not among the hosts that the administrator allows: name one of them, "
                "or ask for it to be added to allowedHosts in the chart's values"
            )

    def _always_refused(self, address: Address) -> str | None:
        if address in {plain(found) for found in self.api_server}:
            return "the Kubernetes API server"
        return never(address)

    def _is_allowed(self, host: str, addresses: list[Address]) -> bool:
        name = _canonical(host)
        if any(_names(allowed, name) for allowed in self.allowed_hosts):
            return True
        ranges = [found for item in self.allowed_hosts if (found := _range(item)) is not None]
        return bool(addresses) and all(
            any(a.version == found.version and a in found for found in ranges) for a in addresses
        )


def _canonical(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


def _names(allowed: str, name: str) -> bool:
    pattern = _canonical(allowed)
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _range(allowed: str) -> AddressRange | None:
    try:
        return ip_network(allowed.strip().strip("[]"), strict=False)
    except ValueError:
        return None
