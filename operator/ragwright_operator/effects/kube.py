"""Calls to the API server. Every call has a time limit; no call reads a Secret."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ragwright_core.names import FIELD_MANAGER
from ragwright_core.spec import GROUP, KIND, PLURAL, VERSION
from ragwright_operator.desired.target import Manifest

REQUEST_SECONDS = 20.0
LONGEST_RETRY_AFTER = 60.0
# An object has at most 1.5 MiB, and JSON's escapes make six bytes of one.
LONGEST_EVENT = 16 * 2**20

# The API and the plural of each kind.
PATHS: Mapping[str, tuple[str, str]] = {
    KIND: (f"apis/{GROUP}/{VERSION}", PLURAL),
    "ConfigMap": ("api/v1", "configmaps"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "Event": ("api/v1", "events"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "Job": ("apis/batch/v1", "jobs"),
    "Lease": ("apis/coordination.k8s.io/v1", "leases"),
    "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    "Secret": ("api/v1", "secrets"),
    "Service": ("api/v1", "services"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "StatefulSet": ("apis/apps/v1", "statefulsets"),
}
_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"
_MERGE = "application/merge-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


class KubeError(Exception):
    """The API server answered with an error, whose message this is. `retry_after` is the number of
    seconds to wait before the next request."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    @property
    def not_found(self) -> bool:
        return self.status == 404

    @property
    def exists(self) -> bool:
        return self.status == 409 and self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        return self.status == 409 and self.reason == "Conflict"

    @property
    def passing(self) -> bool:
        """Whether the request was not at fault, so that it may succeed a moment later."""
        return self.status == 429 or self.status >= 500


@dataclass(frozen=True)
class Kube:
    """`client` is a kubernetes.aio ApiClient, which knows the server, its CA and our token. With
    `metadata_only`, what is read of an object is its metadata alone."""

    client: Any
    metadata_only: bool = False

    async def get(self, kind: str, namespace: str, name: str) -> Manifest:
        accept = _METADATA.format("") if self.metadata_only else _JSON
        return await self._call("GET", path(kind, namespace, name), accept=accept)

    async def list(
        self, kind: str, namespace: str | None, labels: str, **query: str
    ) -> dict[str, Any]:
        query = {"labelSelector": labels, **query}
        accept = _METADATA.format("List") if self.metadata_only else _JSON
        return await self._call("GET", path(kind, namespace), query=query, accept=accept)

    async def create(self, manifest: Manifest) -> Manifest:
        where = path(manifest["kind"], manifest["metadata"]["namespace"])
        query = {"fieldManager": FIELD_MANAGER}
        return await self._call("POST", where, query=query, body=manifest)

    async def apply(
        self, manifest: Manifest, *, force: bool, manager: str = FIELD_MANAGER
    ) -> Manifest:
        metadata = manifest["metadata"]
        where = path(manifest["kind"], metadata["namespace"], metadata["name"])
        return await self._apply(where, manifest, force=force, manager=manager)

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Write the whole status. The uid in the metadata protects a newer object of this name."""
        metadata = manifest["metadata"]
        where = path(manifest["kind"], metadata["namespace"], metadata["name"])
        return await self._apply(f"{where}/status", manifest, force=True)

    async def _apply(
        self, where: str, manifest: Manifest, *, force: bool, manager: str = FIELD_MANAGER
    ) -> Manifest:
        query = {"fieldManager": manager, "force": str(force).lower()}
        return await self._call("PATCH", where, query=query, body=manifest, content=_APPLY)

    async def remove_keys(self, namespace: str, config_map: str, keys: Sequence[str]) -> None:
        await self.merge("ConfigMap", namespace, config_map, {"data": dict.fromkeys(keys)})

    async def merge(self, kind: str, namespace: str, name: str, body: Manifest) -> Manifest:
        """Change some fields. A resourceVersion in the body makes it a compare-and-set."""
        where = path(kind, namespace, name)
        return await self._call("PATCH", where, body=body, content=_MERGE)

    async def scale(self, kind: str, namespace: str, name: str, replicas: int) -> None:
        where = f"{path(kind, namespace, name)}/scale"
        body = {"spec": {"replicas": replicas}}
        await self._call("PATCH", where, body=body, content=_MERGE)

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        query = {"propagationPolicy": "Background"}
        await self._call("DELETE", path(kind, namespace, name), query=query)

    async def cluster_id(self) -> str:
        """The uid of the namespace kube-system, which exists as long as the cluster."""
        found = await self._call("GET", "/api/v1/namespaces/kube-system")
        return str(found["metadata"]["uid"])

    async def served(self, api: str) -> set[str]:
        """The resources of an API by their plurals. Every account may ask."""
        found = await self._call("GET", f"/{api}")
        return {str(item["name"]) for item in found["resources"]}

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, query: Mapping[str, str], seconds: float
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The watch events of a kind. Raises KubeError, also for an ERROR in the stream."""
        query = {**query, "watch": "true", "allowWatchBookmarks": "true"}
        accept = _METADATA.format("") if self.metadata_only else _JSON
        where = path(kind, namespace)
        response = await self._send("GET", where, query=query, accept=accept, seconds=seconds)
        try:
            if response.status >= 400:
                raise _error(response, await response.read())
            yield _events(response.response.content)
        finally:
            response.response.release()

    async def _call(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = _JSON,
        accept: str = _JSON,
    ) -> dict[str, Any]:
        response = await self._send(
            method, where, query=query, body=body, content=content, accept=accept
        )
        payload = await response.read()
        if response.status >= 400:
            raise _error(response, payload)
        return dict(json.loads(payload))

    async def _send(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = _JSON,
        accept: str = _JSON,
        seconds: float = REQUEST_SECONDS,
    ) -> Any:
        request = await self.client.param_serialize(
            method,
            where,
            query_params=list((query or {}).items()),
            header_params={"Accept": accept, "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        return await self.client.call_api(*request, _request_timeout=seconds)


def path(kind: str, namespace: str | None, name: str = "") -> str:
    api, plural = PATHS[kind]
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"/{api}{inside}/{plural}" + (f"/{name}" if name else "")


def api_version(kind: str) -> str:
    return PATHS[kind][0].removeprefix("apis/").removeprefix("api/")


async def _events(stream: Any) -> AsyncIterator[dict[str, Any]]:
    async for line in _lines(stream):
        event = json.loads(line)
        if event["type"] == "ERROR":
            status = event["object"]
            raise KubeError(
                status.get("code", 500), status.get("reason", ""), status.get("message", "")
            )
        yield event


async def _lines(stream: Any) -> AsyncIterator[bytes]:
    """aiohttp's own lines have at most 4 MiB, above which it raises what no caller expects."""
    line = bytearray()
    async for piece in stream.iter_any():
        first, *others = piece.split(b"\n")
        line += first
        for other in others:
            yield bytes(line)
            line = bytearray(other)
        if len(line) > LONGEST_EVENT:
            raise ValueError("an event is too long")
    if line:
        yield bytes(line)


def _error(response: Any, payload: bytes) -> KubeError:
    wanted = str(response.headers.get("Retry-After", ""))
    retry_after = min(float(wanted), LONGEST_RETRY_AFTER) if wanted.isdigit() else 0.0
    try:
        answer = json.loads(payload)
        reason, message = answer.get("reason", ""), answer.get("message", "")
    except ValueError:
        reason, message = "", payload[:200].decode(errors="replace")
    return KubeError(response.status, reason, message, retry_after)
