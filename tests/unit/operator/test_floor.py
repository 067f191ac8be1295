"""The chart's kubeVersion is not lower than what the manifests use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ragwright_core.spec import RagPipelineSpec
from ragwright_operator.desired.target import Target
from tests.kit.golden import EXTERNAL, IDENTITY, IMAGES, SMALLEST, manifests, target

CHART = Path("charts/ragwright/Chart.yaml")
# Fields, and the minor release of Kubernetes from which each is on without a feature gate. Those
# that are older than any Kubernetes still in use stand in OLD.
SINCE = {"podFailurePolicy": 26, "sleep": 30}
OLD = frozenset(
    re.findall(
        r"\w+",
        """
    accessModes action activeDeadlineSeconds allowPrivilegeEscalation annotations apiVersion
    automountServiceAccountToken backoffLimit blockOwnerDeletion capabilities claimName command
    completionMode completions configMap containerName containerPort containers controller data
    defaultMode drop emptyDir env exec failureThreshold from fsGroup fsGroupChangePolicy httpGet
    image imagePullPolicy immutable ingress initContainers items key kind labelSelector labels
    lifecycle limits livenessProbe matchLabels maxSkew maxSurge maxUnavailable medium metadata
    mountPath name namespace namespaceSelector onExitCodes onPodConditions operator optional
    ownerReferences parallelism path periodSeconds persistentVolumeClaim podManagementPolicy
    podSelector policyTypes port ports preStop protocol publishNotReadyAddresses readOnly
    readOnlyRootFilesystem readinessProbe replicas requests resources restartPolicy
    revisionHistoryLimit rollingUpdate rules runAsGroup runAsNonRoot runAsUser seccompProfile
    secret secretName seconds securityContext selector serviceAccountName serviceName sizeLimit
    spec startupProbe status storageClassName strategy stringData subPath targetPort tcpSocket
    template terminationGracePeriodSeconds terminationMessagePath terminationMessagePolicy
    timeoutSeconds topologyKey topologySpreadConstraints ttlSecondsAfterFinished type uid value
    values volumeMounts volumes whenUnsatisfiable
    """,
    )
)
# What stands below these is named by us or is a quantity.
FREE = {"labels", "annotations", "data", "stringData", "matchLabels", "selector", "requests"}
FREE |= {"limits"}


def _fields(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _fields(item)
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            if key not in FREE:
                yield from _fields(child)


def _used() -> set[str]:
    spec = RagPipelineSpec.model_validate(SMALLEST)
    given = Target(IDENTITY, spec, replace(IMAGES, assign_uids=False))
    made = [*manifests(target()), *manifests(target(EXTERNAL)), *manifests(given)]
    return set(_fields(made))


def test_every_field_of_a_manifest_is_in_the_table() -> None:
    assert _used() - SINCE.keys() - OLD == set(), "since which Kubernetes is it on by default?"


def test_the_floor_is_where_every_field_is_on() -> None:
    needed = max(SINCE[field] for field in _used() & SINCE.keys())
    floor = yaml.safe_load(CHART.read_text())["kubeVersion"]
    found = re.fullmatch(r">=1\.(\d+)\.0-0", floor)
    assert found is not None
    assert int(found[1]) == needed
