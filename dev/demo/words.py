"""The commands that the demo prints at its end, for a shell of this machine."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from ragwright_core.contract import API_PORT
from ragwright_core.names import PipelineName

_ASK = (
    f"curl -s --retry 5 --retry-connrefused localhost:{API_PORT}/api/rag/query "
    "-H 'content-type: application/json' -d '{\"question\": \"What is a queryset?\"}'"
)


def last_words(
    pipeline: PipelineName, env: Mapping[str, str], shell: Mapping[str, str]
) -> list[str]:
    """`env` reaches the cluster; `shell` is the environment that the person's shell has."""
    return [
        *_exports(env, shell),
        f"kubectl -n {pipeline.namespace} port-forward svc/{pipeline.api} {API_PORT} &",
        _ASK,
        f"kubectl -n {pipeline.namespace} get rag -w    # and change a file",
    ]


def _exports(env: Mapping[str, str], shell: Mapping[str, str]) -> list[str]:
    config, path, known = env.get("KUBECONFIG", ""), env.get("PATH", ""), shell.get("PATH", "")
    added = path.removesuffix(known).rstrip(os.pathsep)
    lines = []
    if config != shell.get("KUBECONFIG", ""):
        lines.append(f"export KUBECONFIG={shlex.quote(config)}")
    if path != known:
        lines.append(f"export PATH={shlex.quote(added)}{os.pathsep}$PATH")
    return lines
