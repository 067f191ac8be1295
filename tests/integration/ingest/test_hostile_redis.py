"""Whatever is at the cache's address, a build goes live: slower, and with a warning at most."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import structlog

from dev.servers.openai_server import Endpoint
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai
from tests.kit.hostile import redis as hostile


@pytest.mark.parametrize("name", hostile.TABLE)
def test_what_is_no_cache_stops_no_build(
    name: str, pipeline: Pipeline, endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    with hostile.serve(hostile.TABLE[name]) as url, structlog.testing.capture_logs() as logged:
        made = replace(openai(pipeline, endpoint), stores=replace(pipeline.stores, redis_url=url))
        made.write(a="one text")
        report = made.build("r1")
        removed = made.clean_up()

    assert (report.outcome, report.counts.failed, report.counts.embedded) == ("swapped", 0, 1)
    assert removed.outcome == "cleaned"
    said = report.message().decode() + json.dumps(logged) + "".join(capsys.readouterr())
    assert hostile.SECRET not in said
