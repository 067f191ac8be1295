"""Logs fields that another release wrote and this release does not know, or that an older resource
definition lacks: each of them once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import structlog

from ragwright_core.model import Paths
from ragwright_core.names import PipelineName


@dataclass
class Strangers:
    """Remembers what was logged about a pipeline until it is gone, because documents are read in
    every round."""

    log: Any = field(default_factory=structlog.get_logger)
    _told: dict[PipelineName, set[tuple[str, Paths]]] = field(default_factory=dict)

    def tell(self, pipeline: PipelineName, document: str, fields: Paths) -> None:
        self._tell("fields of another release", pipeline, document, fields)

    def miss(self, pipeline: PipelineName, fields: Paths) -> None:
        """Log fields that the resource definition lacks because it is of an older release."""
        event = "the resource definition is older than the operator: apply crds/ of its release"
        self._tell(event, pipeline, "definition", fields)

    def _tell(self, event: str, pipeline: PipelineName, document: str, fields: Paths) -> None:
        told = self._told.setdefault(pipeline, set())
        if not fields or (document, fields) in told:
            return
        told.add((document, fields))
        self.log.warning(
            event,
            namespace=pipeline.namespace,
            pipeline=pipeline.name,
            of=document,
            fields=list(fields),
        )

    def forget(self, pipeline: PipelineName) -> None:
        self._told.pop(pipeline, None)
