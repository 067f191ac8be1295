"""httpx over connections that the network's guard has checked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

import httpcore
import httpx

from ragwright_core.network import Network

# An address that does not answer must leave time for the next one.
_CONNECT_SECONDS = 5.0


class _Checked(httpcore.AsyncNetworkBackend):
    """Resolves a host, checks it, and connects to an address that was checked. Raises
    ForbiddenAddressError, or what httpcore raises."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class names it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await asyncio.to_thread(self._network.addresses, host)
        except OSError as error:
            raise httpcore.ConnectError("the name does not resolve") from error
        seconds = _CONNECT_SECONDS if timeout is None else min(timeout, _CONNECT_SECONDS)
        last: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._backend.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class CheckedTransport(httpx.AsyncBaseTransport):
    """Directly, or by the proxy that the administrator named for a URL. httpx has no argument for
    httpcore's network backend, so the pools are made here."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._by_proxy: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = self._network.proxy_of(str(request.url))
        if proxy:
            await asyncio.to_thread(self._network.check_proxied, request.url.host)
        return await self._transport(proxy).handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._by_proxy.values():
            await transport.aclose()

    def _transport(self, proxy: str) -> httpx.AsyncHTTPTransport:
        if proxy not in self._by_proxy:
            self._by_proxy[proxy] = _Pooled(self._network, proxy)
        return self._by_proxy[proxy]


class _Pooled(httpx.AsyncHTTPTransport):
    def __init__(self, network: Network, proxy: str) -> None:
        super().__init__()
        make = (
            partial(httpcore.AsyncHTTPProxy, proxy)
            if proxy
            else partial(httpcore.AsyncConnectionPool, network_backend=_Checked(network))
        )
        self._pool = make(
            ssl_context=httpx.create_ssl_context(),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
        )
