"""What the API server answers when it refuses, in one line that says what to do. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ragwright_core.spec import GROUP, PLURAL

_MOST = 500
INSTALL = (
    f"the resource {PLURAL}.{GROUP} is not installed: install the chart, or "
    "kubectl apply --server-side -f crds/"
)
UNREACHABLE = (
    "set KUBECONFIG or write --kubeconfig FILE, and --context NAME where it holds several clusters"
)


@dataclass(frozen=True)
class Access:
    """What a request is about, in the words of RBAC. An empty namespace is the whole cluster."""

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""


def refusal(status: int, payload: bytes, access: Access) -> str:
    message = _message(payload)
    where = f" in namespace {access.namespace}" if access.namespace else " in the whole cluster"
    if status == 401:
        return "the API server does not know who you are: the kubeconfig's login is wrong or over"
    if status == 403:
        return (
            f"you may not {access.verb} {access.resource}{where}: ask for a Role with the verb "
            f"{access.verb} on {access.resource}"
        )
    if status == 404 and access.resource.startswith(PLURAL):
        if _names_an_object(payload):
            return f"there is no RagPipeline {access.name}{where}"
        return INSTALL
    if status == 404:
        return f"there is no {access.resource} {access.name}{where}"
    return f"the API server answers {status}: {message}"


def _message(payload: bytes) -> str:
    found = _status(payload).get("message")
    text = found if isinstance(found, str) else payload.decode(errors="replace")
    return " ".join(text.split())[:_MOST]


def _names_an_object(payload: bytes) -> bool:
    """Whether what is missing is the object, and not its whole kind."""
    details = _status(payload).get("details")
    return isinstance(details, dict) and bool(details.get("name"))


def _status(payload: bytes) -> dict[str, object]:
    """The Status object of the API server, or nothing for what is none."""
    try:
        found = json.loads(payload)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}
