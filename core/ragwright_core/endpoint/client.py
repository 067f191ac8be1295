"""One request to an endpoint, bounded as a whole."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from ragwright_core.endpoint import body
from ragwright_core.endpoint.failure import (
    EndpointError,
    Failure,
    Verdict,
    error_within,
    of_status,
)
from ragwright_core.endpoint.key import headers, read_key
from ragwright_core.endpoint.text import sendable
from ragwright_core.endpoint.transport import CheckedTransport
from ragwright_core.endpoint.url import BaseUrl, same_host
from ragwright_core.endpoint.waiting import retry_after
from ragwright_core.network import ForbiddenAddressError, Network

_MOST_REDIRECTS = 3
_MOVED = frozenset({301, 302, 307, 308})
# What an error says beside its status is worth no longer wait.
_ERROR_BYTES, _ERROR_SECONDS = 64 * 1024, 2.0


class Endpoint:
    """`timeout` bounds a try from its first byte to its last, in seconds. `secret_file` holds the
    key, if the endpoint needs one."""

    def __init__(
        self, base_url: str, secret_file: Path | None, network: Network, *, timeout: float
    ) -> None:
        self.url = BaseUrl(base_url)
        self._secret_file = secret_file
        self._seconds = timeout
        self._client = httpx.AsyncClient(
            transport=CheckedTransport(network),
            timeout=timeout,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
        )

    async def post(self, path: str, payload: Mapping[str, Any], most: int) -> Any:
        """The JSON value that was answered, in a body of at most `most` bytes. Raises
        EndpointError, KeyUnusableError."""
        key = headers(read_key(self._secret_file), azure=self.url.is_azure)
        content = sendable(json.dumps(payload, ensure_ascii=False)).encode()
        ends_at = asyncio.get_running_loop().time() + self._seconds
        try:
            return await self._answered(self.url.call(path), key, content, most, ends_at)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            words = _why_no_connection(error)
            raise EndpointError(Failure(Verdict.PASSING, words), sent=False) from None
        except httpx.ProxyError:
            words = "the proxy that the administrator named does not lead there"
            raise EndpointError(Failure(Verdict.PASSING, words), sent=False) from None
        except (TimeoutError, httpx.TimeoutException):
            words = f"no whole answer within {self._seconds:g} s"
            raise EndpointError(Failure(Verdict.SLOW, words)) from None
        except ForbiddenAddressError as error:
            words = "its host may not be contacted"
            failure = Failure(Verdict.REFUSED, words, detail=str(error))
            raise EndpointError(failure, sent=False) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError):
            raise EndpointError(Failure(Verdict.REFUSED, "no usable URL"), sent=False) from None
        except httpx.HTTPError:
            raise EndpointError(Failure(Verdict.PASSING, "the connection broke")) from None

    async def close(self) -> None:
        await self._client.aclose()

    async def _answered(
        self, url: str, key: dict[str, str], content: bytes, most: int, ends_at: float
    ) -> Any:
        sent = {"Content-Type": "application/json", **key}
        for _ in range(_MOST_REDIRECTS + 1):
            request = self._client.build_request("POST", url, headers=sent, content=content)
            async with asyncio.timeout_at(ends_at):
                response = await self._client.send(request, stream=True)
            try:
                if response.status_code == 200:
                    async with asyncio.timeout_at(ends_at):
                        return await _value(response, most)
                if response.status_code not in _MOVED:
                    raise await _failed(response, ends_at)
                url = _target(url, response)
            finally:
                await response.aclose()
        raise EndpointError(Failure(Verdict.REFUSED, "it redirects without an end"))


async def _value(response: httpx.Response, most: int) -> Any:
    packing = response.headers.get("content-encoding", "")
    found = body.read_json(await body.read(response.aiter_raw(), packing, most))
    if (failure := error_within(found, retry_after(response.headers))) is not None:
        raise EndpointError(failure, body=found)
    return found


async def _failed(response: httpx.Response, ends_at: float) -> EndpointError:
    """The status tells what happened, also where the body comes late, broken or never."""
    status, asked = response.status_code, retry_after(response.headers)
    if status < 300:
        words = f"HTTP {status}, without an answer"
        return EndpointError(Failure(Verdict.PASSING, words, retry_after=asked))
    if status < 400:
        return EndpointError(Failure(Verdict.REFUSED, f"HTTP {status}, a redirect", status))
    packing = response.headers.get("content-encoding", "")
    told, said = bytearray(), None
    soon = min(ends_at, asyncio.get_running_loop().time() + _ERROR_SECONDS)
    with suppress(EndpointError, httpx.HTTPError, TimeoutError):
        async with asyncio.timeout_at(soon):
            async for part in body.pieces(response.aiter_raw(), packing, _ERROR_BYTES):
                told += part
    with suppress(EndpointError):
        said = body.read_json(bytes(told))
    return EndpointError(of_status(status, bytes(told), asked), body=said)


def _target(url: str, response: httpx.Response) -> str:
    """Where a redirect leads. Only the same host gets the documents and the key."""
    target: str = urljoin(url, response.headers.get("location", ""))
    if not same_host(url, target):
        words = f"HTTP {response.status_code}, a redirect to elsewhere"
        raise EndpointError(Failure(Verdict.REFUSED, words, response.status_code))
    return target


def _why_no_connection(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return "its certificate cannot be verified"
        if isinstance(seen, socket.gaierror):
            return "its name does not resolve"
        seen = seen.__cause__ or seen.__context__
    return "no connection"
