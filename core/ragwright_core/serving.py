"""The settings that the operator hands to the API in a file."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from ragwright_core.model import Wire
from ragwright_core.names import Identity
from ragwright_core.network import AS_IT_IS, Outside
from ragwright_core.spec import (
    Cache,
    Llm,
    Load,
    RagPipelineSpec,
    Retrieval,
    SecretKey,
    Source,
    Webhook,
)


class Hook(Wire):
    """The webhook of a source. `ref` is what a git source reads, and empty for other kinds."""

    source: str
    ref: str = ""
    secret_key_ref: SecretKey


class ServeSettings(Wire):
    """What the API needs in addition to the live version's descriptor, which the database holds.
    `allowed_hosts` are those that endpoints may have; all if none are named."""

    pipeline: Identity
    llm: Llm = Llm()
    retrieval: Retrieval = Retrieval()
    cache: Cache = Cache()
    load: Load = Load()
    read_only: SecretKey | None = None
    pooled: SecretKey | None = None
    allowed_hosts: list[str] = Field(default=[])
    outside: Outside = AS_IT_IS
    webhooks: list[Hook] = Field(default=[])

    @classmethod
    def of(
        cls,
        pipeline: Identity,
        spec: RagPipelineSpec,
        allowed_hosts: Sequence[str] = (),
        outside: Outside = AS_IT_IS,
    ) -> ServeSettings:
        return cls(
            pipeline=pipeline,
            llm=spec.llm,
            retrieval=spec.retrieval,
            cache=spec.cache,
            load=spec.api.load,
            read_only=spec.database.read_only_key,
            pooled=spec.database.pooled_key,
            allowed_hosts=list(allowed_hosts),
            outside=outside,
            webhooks=[_hook(source, source.webhook) for source in spec.sources if source.webhook],
        )


def _hook(source: Source, webhook: Webhook) -> Hook:
    ref = source.git.ref if source.git else ""
    return Hook(source=source.name, ref=ref, secret_key_ref=webhook.secret_key_ref)
