"""Takes calls of webhooks, and writes down that documents have changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from ragwright_api.telemetry.metrics import Metrics
from ragwright_api.unanswered import UnansweredError
from ragwright_api.webhooks.payloads import why_ignored
from ragwright_api.webhooks.signatures import UnsignedError, call_id, check
from ragwright_core.serving import Hook
from ragwright_core.spec import SecretKey

# A push of a few thousand files. Servers send up to 25 MB, of which nothing more would be read.
MAX_BODY_BYTES = 2**20
CALLS_AT_ONCE = 8

Outcome = Literal["changed", "repeated", "ignored"]
# Writes the call down, and says whether it is a new one. Raises UnansweredError.
Push = Callable[[str, str], Awaitable[bool]]


class NoWebhookError(UnansweredError):
    status = 404
    retry_after = None
    reason = "no_webhook"
    words = (
        "no source of this name has a webhook: write sources[].webhook in the RagPipeline, and its "
        "name at the end of the path"
    )


class RefusedCallError(UnansweredError):
    """The signature is missing, wrong or old; the message says which."""

    status = 401
    retry_after = None
    reason = "unsigned"


class NoSecretError(UnansweredError):
    reason = "secret_missing"
    retry_after = 30

    def __init__(self, key: SecretKey) -> None:
        super().__init__(f"Secret {key.name} has no key {key.key}, or it is empty: write it there")


class TooManyCallsError(UnansweredError):
    status = 429
    reason = "too_busy"
    words = f"{CALLS_AT_ONCE} webhooks are being read already; send this one again"


@dataclass(frozen=True)
class Taken:
    """What became of a call, for the caller."""

    outcome: Outcome
    message: str


@dataclass
class Webhooks:
    """The webhooks of a pipeline by their sources' names. `secret` reads a Secret's value, which
    may rotate, and is None while there is none."""

    hooks: Mapping[str, Hook]
    secret: Callable[[SecretKey], str | None]
    push: Push
    metrics: Metrics
    _calls: int = field(default=0, init=False)

    @asynccontextmanager
    async def place(self, source: str) -> AsyncIterator[Hook]:
        """Room for one call, taken before its body is read. Raises UnansweredError."""
        hook = self.hooks.get(source)
        if hook is None:
            self.metrics.webhook("", "refused")
            raise NoWebhookError
        if self._calls >= CALLS_AT_ONCE:
            self.metrics.webhook(source, "refused")
            raise TooManyCallsError
        self._calls += 1
        try:
            yield hook
        except BaseException:
            self.metrics.webhook(source, "refused")
            raise
        finally:
            self._calls -= 1

    async def take(self, hook: Hook, headers: Mapping[str, str], body: bytes) -> Taken:
        """Check a call, and write it down if it tells of a change. Raises UnansweredError."""
        key = hook.secret_key_ref
        secret = self.secret(key)
        if not secret:
            raise NoSecretError(key)
        try:
            check(headers, body, secret)
        except UnsignedError as error:
            raise RefusedCallError(str(error)) from None
        taken = await self._take(hook, headers, body)
        self.metrics.webhook(hook.source, taken.outcome)
        return taken

    async def _take(self, hook: Hook, headers: Mapping[str, str], body: bytes) -> Taken:
        if why := why_ignored(headers, body, hook.ref):
            return Taken("ignored", f"nothing is built: {why}")
        if await self.push(hook.source, call_id(headers, body)):
            return Taken("changed", "the documents are looked at, and built from if they differ")
        return Taken("repeated", "this call has come before: nothing more is built")
