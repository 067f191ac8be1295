"""Writes events on the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ragwright_core.names import Identity
from ragwright_core.spec import GROUP, KIND, VERSION
from ragwright_operator.describe.events import Event
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.kube import Kube, KubeError

LONGEST_MESSAGE = 1024


async def write_events(
    kube: Kube, pipeline: Identity, events: Sequence[Event], now: datetime
) -> None:
    """An event that exists already was written before a crash. If an event is refused, the others
    are written all the same."""
    for event in events:
        try:
            await kube.create(_manifest(pipeline, event, now))
        except KubeError as error:
            if error.passing:
                raise


def _manifest(pipeline: Identity, event: Event, now: datetime) -> Manifest:
    names, moment = pipeline.names, now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event.name(names.name), "namespace": names.namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "name": names.name,
            "namespace": names.namespace,
            "uid": pipeline.uid,
        },
        "type": event.kind,
        "reason": event.reason,
        "message": event.message[:LONGEST_MESSAGE],
        "source": {"component": "ragwright"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
