"""What a pipeline's API replied to a question. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ragwright_cli.problems import CliError


@dataclass(frozen=True)
class Answer:
    """`body` is the reply; `version` is that of the index it came from."""

    body: dict[str, Any]
    version: str

    @property
    def lines(self) -> list[str]:
        sources = [
            f"  [{number}] {source}"
            for number, source in enumerate(self.body.get("sources") or [], start=1)
        ]
        how = "from a cache" if self.body.get("from_cache") else "computed"
        took = f"  version {self.version}, {how}, {self.body.get('latency_ms', '?')} ms"
        return [str(self.body["answer"]), *sources, took]


def read_answer(status: int, headers: Mapping[str, str], payload: bytes) -> Answer:
    """Raises CliError with the API's own words where it refused."""
    try:
        body = json.loads(payload)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CliError(f"what answers (status {status}) is no API of a pipeline")
    if status == 200 and isinstance(body.get("answer"), str):
        return Answer(body, headers.get("x-ragwright-version", "?"))
    reason, message = body.get("error", status), body.get("message", "no message")
    raise CliError(f"the pipeline did not answer: {message} ({reason})")
