"""Stores that are not ours: what stands in them after a deletion equals what stood there before."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from dev.kubectl import until
from ragwright_core.names import PipelineName
from tests.kit.cluster import RULES, Namespace, pipeline

SCHEMAS = "SELECT nspname FROM pg_namespace ORDER BY 1"


def schemas(namespace: Namespace, pod: str) -> list[str]:
    psql = ("psql", "-U", "postgres", "-d", "ragwright", "-Atc", SCHEMAS)
    return namespace("exec", pod, "-c", "postgres", "--", *psql).split()


def keys(namespace: Namespace, deployment: str, password: str) -> set[str]:
    redis = ("redis-cli", "--no-auth-warning", "-a", password, "--scan", "--pattern", "rag:*")
    return set(namespace("exec", f"deploy/{deployment}", "--", *redis).split())


def test_deletion_leaves_external_stores_as_they_were(namespace: Namespace) -> None:
    """The stores of one pipeline serve another as its external ones."""
    host = PipelineName(namespace.name, "host")
    namespace.write_rules(RULES)
    namespace.apply(pipeline("host"))
    namespace.until_live("host", 1)
    stores = {name: namespace.store_secret("host", name) for name in ("postgres", "redis")}
    secret = namespace.get("secret", stores["redis"])
    assert secret is not None
    url = urlsplit(base64.b64decode(secret["data"]["url"]).decode())
    password = url.password or ""
    namespace.ask("host", "What is the refund policy?")
    before = schemas(namespace, f"{host.postgres}-0"), keys(namespace, host.redis, password)

    guest = pipeline(
        "guest",
        database={"secretKeyRef": {"name": stores["postgres"]}},
        cache={"secretKeyRef": {"name": stores["redis"]}},
        deletionPolicy="Delete",
    )
    namespace.apply(guest)
    namespace.until_live("guest", 1)
    assert "thirty days" in namespace.ask("guest", "What is the refund policy?")
    during = schemas(namespace, f"{host.postgres}-0"), keys(namespace, host.redis, password)
    assert set(during[0]) - set(before[0]) == {PipelineName(namespace.name, "guest").schema}
    assert during[1] > before[1]

    namespace("delete", "rag", "guest", "--timeout=90s")
    until(
        lambda: (
            (schemas(namespace, f"{host.postgres}-0"), keys(namespace, host.redis, password))
            == before
        ),
        30,
        "the stores to be as before",
    )
    assert namespace.state("host").live == 1
