"""Rules of a cluster that refuse or rewrite what the operator makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dev.kubectl import KubectlError, until
from tests.kit.cluster import Namespace

Manifest = dict[str, Any]
_GROUP = "admissionregistration.k8s.io"


@dataclass(frozen=True)
class Behaviour:
    """`objects` makes the rule for one namespace. The pipeline is Degraded with `reason`, and the
    message holds every word of `said`. `spec` are groups of the pipeline's spec. `probe` is an
    object that the rule concerns, because a policy is in force only some seconds after it is
    written."""

    objects: Callable[[str], list[Manifest]]
    reason: str
    said: tuple[str, ...]
    spec: Mapping[str, Any] = field(default_factory=dict)
    probe: Manifest | None = None


def _quota(**hard: str) -> Callable[[str], list[Manifest]]:
    named = {key.replace("_", "."): value for key, value in hard.items()}
    metadata = {"name": "hostile"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata}
    return lambda namespace: [_in(namespace, {**quota, "spec": {"hard": named}})]


def _limits(**rule: dict[str, str]) -> Callable[[str], list[Manifest]]:
    limits = [{"type": "Container", **rule}]
    made = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "hostile"}}
    return lambda namespace: [_in(namespace, {**made, "spec": {"limits": limits}})]


def _in(namespace: str, manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def _matching(namespace: str, group: str, resource: str) -> Manifest:
    rule = {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [resource],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {"resourceRules": [rule], "namespaceSelector": selector}


def _policy(kind: str, namespace: str, spec: Manifest, **binding: Any) -> list[Manifest]:
    name = f"{namespace}-hostile"
    head = {"apiVersion": f"{_GROUP}/v1", "metadata": {"name": name}}
    bound = {"policyName": name, **binding}
    return [
        {**head, "kind": kind, "spec": spec},
        {**head, "kind": f"{kind}Binding", "spec": bound},
    ]


def refusing(component: str) -> Callable[[str], list[Manifest]]:
    """A validating policy that refuses the pods of one component."""
    label = "object.metadata.?labels[?'app.kubernetes.io/component'].orValue('')"
    check = {"expression": f"{label} != '{component}'", "message": "refused by our policy"}

    def objects(namespace: str) -> list[Manifest]:
        spec = {"matchConstraints": _matching(namespace, "", "pods"), "validations": [check]}
        kind = "ValidatingAdmissionPolicy"
        return _policy(kind, namespace, spec, validationActions=["Deny"])

    return objects


def _rewriting(suffix: str, path: str, value: str) -> Callable[[str], list[Manifest]]:
    """A mutating policy that replaces one field of the Deployments whose names end so."""
    patch = f'[JSONPatch{{op: "replace", path: "{path}", value: {value}}}]'

    def objects(namespace: str) -> list[Manifest]:
        spec = {
            "matchConstraints": _matching(namespace, "apps", "deployments"),
            "matchConditions": [
                {"name": "one", "expression": f"object.metadata.name.endsWith('{suffix}')"}
            ],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        }
        return _policy("MutatingAdmissionPolicy", namespace, spec)

    return objects


def _container() -> Manifest:
    return {
        "name": "probe",
        "image": "none",
        "resources": {"limits": {"cpu": "1", "memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def pod_of(component: str) -> Manifest:
    labels = {"app.kubernetes.io/component": component}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "labels": labels},
        "spec": {"containers": [_container()]},
    }


def _deployment(name: str) -> Manifest:
    labels = {"app": "probe"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [_container()]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def _against(component: str, *said: str) -> Behaviour:
    return Behaviour(refusing(component), "PodsRefused", said, probe=pod_of(component))


_TEMPLATE = "/spec/template/spec"
_LARGE = {"requests": {"memory": "96Mi"}, "limits": {"memory": "2Gi"}}
BEHAVIOURS: Mapping[str, Behaviour] = {
    "a quota of three pods": Behaviour(
        _quota(pods="3"), "PodsRefused", ("describe job ", "-load-1")
    ),
    "a quota of cpu limits": Behaviour(
        _quota(limits_cpu="10"), "PodsRefused", ("-redis", "must specify limits.cpu")
    ),
    "a limit below the database": Behaviour(
        _limits(max={"memory": "1536Mi"}),
        "PodsRefused",
        ("describe statefulset ", "-postgres"),
        {"database": {"managed": {"storage": "1Gi", "resources": _LARGE}}},
    ),
    "a limit below redis": Behaviour(
        _limits(max={"memory": "200Mi"}), "PodsRefused", ("-redis", "maximum memory usage")
    ),
    "a policy against loads": _against("load", "describe job ", "-load-1"),
    "a policy against databases": _against("postgres", "describe statefulset "),
    "a policy against the api": _against("api", "refused by our policy"),
    "a policy that rewrites the grace period": Behaviour(
        _rewriting("-api", f"{_TEMPLATE}/terminationGracePeriodSeconds", "46"),
        "Overridden",
        ("Deployment", "spec.template.spec.terminationGracePeriodSeconds"),
        probe=_deployment("probe-api"),
    ),
    "a policy that changes a limit": Behaviour(
        _rewriting("-redis", f"{_TEMPLATE}/containers/0/resources/limits/memory", '"512Mi"'),
        "Overridden",
        ("Deployment", "containers[redis].resources.limits.memory"),
        probe=_deployment("probe-redis"),
    ),
}


@contextmanager
def ruled(namespace: Namespace, behaviour: Behaviour) -> Iterator[None]:
    """The namespace under the rule, which is taken away at the end."""
    before = _shown(namespace, behaviour.probe)
    made = behaviour.objects(namespace.name)
    namespace.kubectl.apply(*made)
    try:
        if behaviour.probe is not None:
            until(lambda: _shown(namespace, behaviour.probe) != before, 60, "the rule in force")
        yield
    finally:
        for item in made:
            metadata = item["metadata"]
            where = ("-n", metadata["namespace"]) if "namespace" in metadata else ()
            named = (item["kind"], metadata["name"])
            namespace.kubectl(*where, "delete", *named, "--ignore-not-found")


def _shown(namespace: Namespace, probe: Manifest | None) -> str:
    """What the API server makes of an object, without making it."""
    if probe is None:
        return ""
    how = ("create", "--dry-run=server", "-o", "jsonpath={.spec}", "-f", "-")
    try:
        return namespace(*how, stdin=json.dumps(probe))
    except KubectlError as error:
        return str(error)
