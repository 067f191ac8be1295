"""Connects to the API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ragwright_operator.effects.kube import Kube


@asynccontextmanager
async def connect() -> AsyncIterator[Kube]:
    """Connect with the pod's own account, or with the kubeconfig outside a cluster."""
    # This import takes half of the program's start, and pure modules are tested without it.
    from kubernetes.aio import config  # noqa: PLC0415
    from kubernetes.aio.client.configuration import Configuration  # noqa: PLC0415

    loader: Any = config
    configuration = Configuration()
    try:
        loader.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        await loader.load_kube_config(client_configuration=configuration)
    async with connect_as(configuration) as kube:
        yield kube


@asynccontextmanager
async def connect_as(configuration: Any) -> AsyncIterator[Kube]:
    """Connect with a kubernetes.aio Configuration."""
    from kubernetes.aio.client.api_client import ApiClient  # noqa: PLC0415

    # Every watch keeps its connection, and there are ten in each namespace: with the library's 100
    # connections, an operator of eleven namespaces had waited for ever. 0 is no limit.
    configuration.connection_pool_maxsize = 0
    async with ApiClient(configuration) as client:
        yield Kube(client)
