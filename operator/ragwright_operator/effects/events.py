"""Writes notices as Kubernetes events on the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ragwright_core.handover import Identity
from ragwright_core.spec import GROUP, KIND, VERSION
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.status.notices import Notice

LONGEST_MESSAGE = 1024


async def tell(kube: Kube, pipeline: Identity, told: Sequence[Notice], now: datetime) -> None:
    """An event that exists was told before a crash. A refused event stops nothing."""
    for notice in told:
        try:
            await kube.create(event(pipeline, notice, now))
        except KubeError as error:
            if error.passing:
                raise


def event(pipeline: Identity, notice: Notice, now: datetime) -> Manifest:
    names, moment = pipeline.names, now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": notice.event_name(names.name), "namespace": names.namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "name": names.name,
            "namespace": names.namespace,
            "uid": pipeline.uid,
        },
        "type": notice.kind,
        "reason": notice.reason,
        "message": notice.message[:LONGEST_MESSAGE],
        "source": {"component": "ragwright"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
