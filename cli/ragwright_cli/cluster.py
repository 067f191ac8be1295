"""Calls to the API server. Every call has a time limit; no call reads a Secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
import yaml
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException

from ragwright_cli.pipeline import Manifest, Pipeline, only_one, read_pipeline
from ragwright_cli.problems import CliError
from ragwright_cli.refusals import UNREACHABLE, Access, refusal
from ragwright_core.contract import API_PORT, QUERY_PATH
from ragwright_core.names import PIPELINE_LABEL, PipelineName
from ragwright_core.spec import GROUP, PLURAL, VERSION

SECONDS = 20.0
LONGEST_REPLY = 64 * 2**20
FIELD_MANAGER = "kubectl-rag"
_JSON = "application/json"
_MERGE = "application/merge-patch+json"
_RESOURCE = f"{PLURAL}.{GROUP}"


class ClusterError(CliError):
    """The API server refused, or did not answer (status 0)."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status in (0, 429) or self.status >= 500


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    payload: bytes


@dataclass(frozen=True)
class Cluster:
    """The cluster of a context of the kubeconfig, and the namespace that is meant."""

    client: Any
    namespace: str

    def pipeline(self, name: str | None) -> Pipeline:
        """The pipeline of this name, or the namespace's only one."""
        if name is None:
            return only_one(self.pipelines(), self.namespace)
        access = Access("get", _RESOURCE, self.namespace, name)
        return read_pipeline(self._read(_pipelines(self.namespace, name), access))

    def pipelines(self) -> list[Manifest]:
        access = Access("list", _RESOURCE, self.namespace)
        return list(self._read(_pipelines(self.namespace), access)["items"])

    def merge(self, names: PipelineName, body: Manifest) -> Pipeline:
        """Write fields of a pipeline; the others stay as they are."""
        where = f"{_pipelines(names.namespace, names.name)}?fieldManager={FIELD_MANAGER}"
        access = Access("patch", _RESOURCE, names.namespace, names.name)
        return read_pipeline(self._object(self._call("PATCH", where, body, _MERGE), access))

    def version(self) -> str:
        return str(self._read("/version", Access("get", "/version")).get("gitVersion", ""))

    def has_resource(self) -> bool:
        """Whether the API server serves our kind."""
        reply = self._call("GET", f"/apis/{GROUP}/{VERSION}")
        if reply.status == 404:
            return False
        found = self._object(reply, Access("get", f"/apis/{GROUP}/{VERSION}"))
        return any(item.get("name") == PLURAL for item in found.get("resources") or [])

    def deployments(self, labels: str) -> list[Manifest]:
        """In all namespaces."""
        where = f"/apis/apps/v1/deployments?{urlencode({'labelSelector': labels})}"
        return list(self._read(where, Access("list", "deployments.apps"))["items"])

    def pods(self, namespace: str, labels: str) -> list[Manifest]:
        where = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
        query = urlencode({"labelSelector": labels})
        return list(self._read(f"{where}?{query}", Access("list", "pods", namespace))["items"])

    def pods_of(self, names: PipelineName) -> list[Manifest]:
        return self.pods(names.namespace, f"{PIPELINE_LABEL}={names.name}")

    def ask(self, names: PipelineName, body: Manifest, seconds: float) -> Reply:
        """Ask the API of a pipeline through the API server. The reply may be the pipeline's own
        refusal; where it is the API server's, ClusterError is raised."""
        service = quote(f"{names.api}:{API_PORT}", safe=":")
        namespace = quote(names.namespace, safe="")
        where = f"/api/v1/namespaces/{namespace}/services/{service}/proxy{QUERY_PATH}"
        reply = self._call("POST", where, body, seconds=seconds)
        if reply.status >= 400 and b'"kind":"Status"' in reply.payload.replace(b" ", b""):
            access = Access("create", "services/proxy", names.namespace, names.api)
            raise ClusterError(reply.status, refusal(reply.status, reply.payload, access))
        return reply

    def _read(self, where: str, access: Access) -> dict[str, Any]:
        return self._object(self._call("GET", where), access)

    def _object(self, reply: Reply, access: Access) -> dict[str, Any]:
        if reply.status >= 400:
            raise ClusterError(reply.status, refusal(reply.status, reply.payload, access))
        try:
            return dict(json.loads(reply.payload))
        except (ValueError, TypeError):
            words = f"{self.client.configuration.host} is no API server of Kubernetes"
            raise ClusterError(reply.status, f"{words}: {UNREACHABLE}") from None

    def _call(
        self,
        method: str,
        where: str,
        body: Manifest | None = None,
        content: str = _JSON,
        seconds: float = SECONDS,
    ) -> Reply:
        headers = {"Accept": _JSON, "Content-Type": content}
        request = self.client.param_serialize(
            method, where, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        try:
            found = self.client.call_api(*request, _request_timeout=seconds).response
            payload = found.read(LONGEST_REPLY, decode_content=True)
            found.close()
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            host = self.client.configuration.host
            words = f"the API server {host} does not answer ({_kind(error)})"
            raise ClusterError(0, f"{words}: {UNREACHABLE}") from None
        headers = {key.lower(): value for key, value in found.headers.items()}
        return Reply(found.status, headers, payload)


@contextmanager
def connect(
    kubeconfig: Path | None, context: str | None, namespace: str | None
) -> Iterator[Cluster]:
    """Connect as kubectl does, by the kubeconfig. Raises CliError."""
    file = str(kubeconfig) if kubeconfig else None
    loader: Any = config  # has no types
    configuration = Configuration()
    try:
        loader.load_kube_config(file, context, configuration, persist_config=False)
        contexts, current = loader.list_kube_config_contexts(file)
    except (config.ConfigException, OSError, ValueError, yaml.YAMLError) as error:
        words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise CliError(f"no cluster to ask ({words}): {UNREACHABLE}") from None
    # The library would try four times, and log it.
    configuration.retries = False
    used = next((item for item in contexts if item["name"] == context), current)
    with ApiClient(configuration) as client:
        yield Cluster(client, namespace or used["context"].get("namespace") or "default")


def _pipelines(namespace: str, name: str = "") -> str:
    inside = f"/apis/{GROUP}/{VERSION}/namespaces/{quote(namespace, safe='')}/{PLURAL}"
    return f"{inside}/{quote(name, safe='')}" if name else inside


def _kind(error: Exception) -> str:
    """The kind of a failure to connect, as its class says it."""
    return type(error).__name__.removesuffix("Error")
