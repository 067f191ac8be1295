"""Fields of the spec: what is refused, and in which words; what stands where nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dev.generate.crd import structural
from ragwright_core.spec import Cache, RagPipelineSpec, Resources
from ragwright_operator.desired.children import children
from ragwright_operator.desired.pods import resources
from tests.kit.golden import SMALLEST, target

OVER_MEMORY = {"requests": {"memory": "2Gi"}, "limits": {"memory": "2000Mi"}}
OVER_CPU = {"requests": {"cpu": 2}, "limits": {"cpu": "1900m"}}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            {"sources": [{"name": "a", "git": {"url": "ftp://x"}}]},
            "begins with http:// or https://",
        ),
        ({"sources": [{"name": "a", "git": {"url": "http://a@b"}}]}, "without credentials"),
        ({"sources": [{"name": "A", "configMap": {"name": "a"}}]}, "name begins with a letter"),
        ({"sources": [{"name": "a\n", "configMap": {"name": "a"}}]}, "name begins with a letter"),
        ({"sources": [{"name": "a", "configMap": {"name": "A"}}]}, "the name of an object"),
        ({"database": {"secretKeyRef": {"name": "a", "key": "a/b"}}}, "a key of the Secret"),
        ({"database": {"indexMemory": "12 GB"}}, "such as 500m, 2 or 1Gi"),
        ({"retrieval": {"minScore": 0.25}}, "integer"),
        ({"api": {"resources": OVER_MEMORY}}, "requests.memory is more than limits.memory"),
        ({"ingest": {"resources": OVER_CPU}}, "requests.cpu is more than limits.cpu"),
        (
            {"database": {"managed": {"resources": OVER_MEMORY}}},
            "requests.memory is more than limits.memory",
        ),
        (
            {"cache": {"managed": {"resources": OVER_MEMORY}}},
            "requests.memory is more than limits.memory",
        ),
    ],
)
def test_what_the_api_server_refuses_is_refused_here_in_its_words(
    spec: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        RagPipelineSpec.model_validate({**SMALLEST, **spec})
    if sentence != "integer":
        assert sentence in str(structural(RagPipelineSpec))


@pytest.mark.parametrize(
    "written",
    [
        {"requests": {"memory": "1024Mi", "cpu": 1}, "limits": {"memory": "1Gi", "cpu": "1000m"}},
        {"requests": {"memory": "2Gi"}, "limits": {"cpu": "1"}},
        {"requests": {"memory": "2Gi"}},
        {"limits": {"memory": "2Gi"}, "requests": {}},
    ],
)
def test_requests_up_to_the_limits_and_alone_are_taken(written: dict[str, Any]) -> None:
    assert resources(Resources.model_validate(written)) != {}


def limits(**written: str) -> Resources:
    return Resources.model_validate({"limits": written})


def test_a_container_gets_what_was_written_and_nothing_else() -> None:
    assert resources(Resources()) == {}
    assert resources(limits(cpu="1000m")) == {"limits": {"cpu": "1"}}
    only = Resources.model_validate({"requests": {"memory": "1024Mi"}})
    assert resources(only) == {"requests": {"memory": "1Gi"}}
    numbers = Resources.model_validate({"requests": {"cpu": 1}, "limits": {"cpu": "1.5"}})
    assert resources(numbers) == {"requests": {"cpu": "1"}, "limits": {"cpu": "1500m"}}


@pytest.mark.parametrize(
    ("written", "buffers"),
    [
        (None, "256MB"),
        ({"limits": {"memory": "2Gi"}, "requests": {"memory": "1Gi"}}, "512MB"),
        ({"requests": {"memory": "2Gi"}}, "512MB"),
        ({"limits": {"cpu": 1}, "requests": {"memory": "2Gi"}}, "512MB"),
        ({"limits": {"cpu": 1}}, "256MB"),
        ({}, "256MB"),
    ],
)
def test_a_managed_server_is_made_for_its_limit_or_its_request_or_1gi(
    written: dict[str, Any] | None, buffers: str
) -> None:
    managed = {} if written is None else {"resources": written}
    made = children(target({**SMALLEST, "database": {"managed": managed}}))
    [files] = [item["data"] for item in made if "postgresql.conf" in item.get("data", {})]
    assert f"shared_buffers = {buffers}\n" in files["postgresql.conf"]
    assert f"maintenance_work_mem = {buffers}\n" in files["postgresql.conf"]


def test_percent_and_quantities_come_as_what_they_mean() -> None:
    spec = RagPipelineSpec.model_validate({**SMALLEST, "retrieval": {"minScore": 25}})
    assert spec.retrieval.score_threshold == 0.25
    assert Cache().in_process_bytes == 32 * 2**20
    assert Cache.model_validate({"inProcessMemory": 4096}).in_process_bytes == 4096
