"""The stage on which rows are played: a pipeline, an operator behind the proxy, and a reader."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dev.demo.pipeline import State
from dev.kubectl import until
from ragwright_core.contract import API_PORT, INTERNAL_PORT
from ragwright_core.names import PIPELINE_LABEL, PipelineName
from ragwright_core.spec import KIND, REINDEX_ANNOTATION
from tests.kit.cluster import Namespace, pipeline
from tests.kit.faults.calls import Write
from tests.kit.faults.documents import QUESTIONS, documents
from tests.kit.faults.kubelet import Operator
from tests.kit.faults.proxy import Proxy
from tests.kit.faults.reader import Reader
from tests.kit.faults.snapshot import differences, snapshot, sql
from tests.kit.faults.table import Record

NAME = "rules"


@dataclass
class Seen:
    """What was seen during a row, for its oracles."""

    reader: Reader
    writes: list[Write]
    log_from: int

    def term(self) -> int:
        """The term that the API reports now."""
        from_now = len(self.reader.terms)
        until(lambda: len(self.reader.terms) > from_now, 10, "the term to be told", pause=0.1)
        return self.reader.terms[-1][1]

    def made(self, plural: str, method: str = "POST") -> Counter[str]:
        """How often an object was created (or deleted) and the API server agreed."""
        return Counter(
            write.made
            for write in self.writes
            if write.call.plural == plural
            and write.call.method == method
            and write.status < 300
            and not write.call.sub
        )


@dataclass
class Stage:
    space: Namespace
    proxy: Proxy
    operator: Operator
    name: str = NAME
    revision: int = 0
    baseline: dict[str, Any] = field(default_factory=dict)
    first_term: int = 0
    pins: int = 0  # each may stop a build, whose Jobs are then made again under their names

    @property
    def names(self) -> PipelineName:
        return PipelineName(self.space.name, self.name)

    def manifest(self, **spec: Any) -> dict[str, Any]:
        small = pipeline(self.name)["spec"]["api"]
        return pipeline(self.name, **{"api": {**small, "replicas": 2}, **spec})

    def open(self) -> None:
        """Build two versions without any fault, a state with which every row's end is compared."""
        self.write(1)
        self.space.apply(self.manifest())
        self.space.until_live(self.name, 1)
        self.rebuild(2)
        self.first_term = self._term()
        self.baseline = snapshot(self.space, self.name)

    def write(self, revision: int) -> None:
        self.space.write_rules(documents(revision))
        self.revision = revision

    def ask_for(self, revision: int) -> int:
        """Change every document and ask for a reindex; returns the version live until then."""
        live = self.space.state(self.name).live or 0
        self.write(revision)
        self.reindex()
        return live

    def reindex(self) -> None:
        wish = f"{REINDEX_ANNOTATION}={time.time_ns()}"
        self.space("annotate", "rag", self.name, "--overwrite", wish)

    def until_swapped(self, live: int, seconds: float = 120) -> State:
        return self.space.until(
            self.name, lambda at: (at.live or 0) > live, f"a version after {live}", seconds
        )

    def rebuild(self, revision: int) -> None:
        self.until_swapped(self.ask_for(revision))
        self.settle()

    def settle(self, seconds: float = 90) -> None:
        """Wait until the pipeline is ready, nothing is being built, and no Job is left."""

        def at_rest(at: State) -> bool:
            build = (at.status.get("operator") or {}).get("build") or {}
            return at.ready and build.get("outcome") == "done" and not at.trouble

        self.space.until(self.name, at_rest, "the pipeline to be at rest", seconds)
        until(lambda: not self.jobs(), 30, "its Jobs to be gone")
        self.space("rollout", "status", f"deploy/{self.names.api}", "--timeout=60s")
        until(lambda: len(self._config_maps("api")) == 1, 60, "older settings to be gone")
        until(lambda: not self._config_maps("load,index,swap"), 30, "orders of Jobs to be gone")

    def jobs(self) -> list[str]:
        return [job["metadata"]["name"] for job in self._jobs()]

    def _config_maps(self, components: str) -> list[dict[str, Any]]:
        labels = f"{self._label},app.kubernetes.io/component in ({components})"
        return self.space.items("ConfigMap", labels)

    @property
    def _label(self) -> str:
        return f"{PIPELINE_LABEL}={self.name}"

    def until_jobs_end(self, count: int = 2) -> None:
        """Wait until this many Jobs of a build have ended, even if the operator has not seen it."""

        def ended() -> bool:
            return sum(_has_ended(job) for job in self._jobs()) >= count

        until(ended, 90, f"{count} Jobs to end", pause=0.2)

    def _jobs(self) -> list[dict[str, Any]]:
        return self.space.items("Job", self._label)

    def get(self) -> dict[str, Any]:
        found = self.space.objects.get(KIND, self.space.name, self.name)
        assert found is not None
        return found

    def history(self, outcome: str) -> list[dict[str, Any]]:
        entries = self.space.state(self.name).status.get("history", [])
        return [entry for entry in entries if entry["outcome"] == outcome]

    def patch(self, **spec: Any) -> None:
        """Merge into the spec."""
        text = json.dumps({"spec": spec})
        self.space("patch", "rag", self.name, "--type=merge", "-p", text)

    def reader(self) -> Reader:
        return Reader(
            api=f"http://{self._address(self.names.api)}:{API_PORT}",
            internal=f"http://{self._address(self.names.internal)}:{INTERNAL_PORT}",
            questions=QUESTIONS,
            reported=self.revision,
        )

    def _term(self) -> int:
        [term] = sql(self.space, self.names, f'SELECT term FROM "{self.names.schema}".live')
        return int(term)

    def _address(self, service: str) -> str:
        found = self.space.get("service", service)
        assert found is not None
        return str(found["spec"]["clusterIP"])

    @contextmanager
    def row(self, record: Record, *, builds: int | None, allowed: str = "") -> Iterator[Seen]:
        """Play a row under the reader, then hold every oracle against it. `builds`: how many
        builds it asks for, each one load and one index Job; None where a build is cut off."""
        self.settle()
        self.operator.until_at_work()
        first, log_from = len(self.proxy.writes), self.operator.log.stat().st_size
        with self.reader().asking() as reader:
            seen = Seen(reader, [], log_from)
            yield seen
            self.settle()
            reader.reported = self.revision
            after = reader.asked
            until(lambda: reader.asked >= after + 50, 10, "answers after the swap", pause=0.1)
        seen.writes = self.proxy.writes[first:]
        self._judge(record, seen, builds, allowed)

    def _judge(self, record: Record, seen: Seen, builds: int | None, allowed: str) -> None:
        reader = seen.reader
        made = seen.made("jobs").items()
        jobs = Counter({job: count for job, count in made if job.startswith(f"{self.name}-")})
        words = "; ".join(reader.tally.first_failures)
        record.at_least("asked", reader.asked, 1)
        for verdict in ("failed", "mixed", "stale"):
            record.at_most(verdict, reader.count(verdict), 0, words)
        record.at_most("terms back", reader.terms_back(), 0)
        record.at_most("jobs made twice", max(jobs.values(), default=1) - 1, self.pins, str(jobs))
        if builds is not None:
            record.exactly("jobs made", sum(jobs.values()), 2 * builds, str(jobs))
        loud = self.operator.loud_lines(seen.log_from, allowed)
        record.at_most("unexpected log lines", len(loud), 0, "\n".join(loud[:10]))
        changed = differences(self.baseline, snapshot(self.space, self.name))
        record.at_most("differences of the end", len(changed), 0, "\n".join(changed[:20]))


def _has_ended(job: dict[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
