"""Which settings rebuild, and at what price."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml

from ragwright_cli.commands.diff import read_price
from ragwright_cli.problems import CliError, UsageError
from ragwright_cli.reading.bill import Bill, estimate, in_words
from ragwright_cli.reading.changes import Change, find_changes
from ragwright_cli.reading.file import read_file
from ragwright_core.spec import RagPipelineSpec, shape_fingerprint
from ragwright_core.status import LiveVersion

GIT = {"name": "handbook", "git": {"url": "https://git.example.com/h.git"}}
RULES = {"name": "rules", "configMap": {"name": "rules"}}
PAID = {
    "provider": "openai",
    "model": "embed-3",
    "baseUrl": "https://models.example.com/v1",
    "dimensions": 256,
}


def spec(**groups: Any) -> RagPipelineSpec:
    return RagPipelineSpec.model_validate({"sources": [GIT], **groups})


def live(chunks: int = 1000, documents: int = 100) -> LiveVersion:
    return LiveVersion(
        number=1,
        documents=documents,
        chunks=chunks,
        shape=shape_fingerprint(spec()),
        source_revision="",
        embedding_fingerprint="",
        swapped_at=datetime(2026, 11, 23, tzinfo=UTC),
    )


CHANGED: list[tuple[dict[str, Any], Change]] = [
    (
        {"chunking": {"maxCharacters": 500}},
        Change("chunking.maxCharacters", "1000", "500", rebuilds=True),
    ),
    (
        {"embedding": {"model": "minilm"}},
        Change("embedding.model", "wordllama", "minilm", rebuilds=True),
    ),
    (
        {"retrieval": {"language": "german"}},
        Change("retrieval.language", "english", "german", rebuilds=True),
    ),
    ({"retrieval": {"topK": 7}}, Change("retrieval.topK", "5", "7", rebuilds=False)),
    ({"api": {"replicas": 5}}, Change("api.replicas", "3", "5", rebuilds=False)),
    ({"reindex": {"pin": 7}}, Change("reindex.pin", "unset", "7", rebuilds=False)),
    (
        {"sources": [{**GIT, "git": {**GIT["git"], "ref": "v2"}}]},  # type: ignore[dict-item]
        Change("sources[handbook].git.ref", "HEAD", "v2", rebuilds=True),
    ),
    (
        {"sources": [{**GIT, "git": {**GIT["git"], "secretRef": {"name": "key"}}}]},  # type: ignore[dict-item]
        Change("sources[handbook].git.secretRef.name", "unset", "key", rebuilds=False),
    ),
]


@pytest.mark.parametrize(("groups", "change"), CHANGED, ids=lambda item: getattr(item, "path", ""))
def test_a_change_rebuilds_exactly_when_the_fingerprint_differs(
    groups: dict[str, Any], change: Change
) -> None:
    after = spec(**groups)
    assert find_changes(spec(), after) == [change]
    assert (shape_fingerprint(spec()) != shape_fingerprint(after)) == change.rebuilds


def test_the_default_written_out_is_no_other_index() -> None:
    before = ["**/*.md", "**/*.rst", "**/*.txt"]  # the default of early releases
    after = spec(sources=[{**GIT, "include": before}])
    [change] = find_changes(spec(), after)
    assert not change.rebuilds


def test_another_order_of_the_sources_is_another_index() -> None:
    found = find_changes(spec(sources=[GIT, RULES]), spec(sources=[RULES, GIT]))
    assert found == [Change("sources", "handbook, rules", "rules, handbook", rebuilds=True)]


def test_a_source_that_comes_and_one_that_goes() -> None:
    found = find_changes(spec(), spec(sources=[RULES]))
    assert all(change.rebuilds for change in found if "Map" in change.path or "git" in change.path)
    assert {change.path.split(".")[0] for change in found} == {
        "sources[rules]",
        "sources[handbook]",
    }


def bill(after: RagPipelineSpec, price: str | None = None, **counts: int) -> Bill:
    changes = find_changes(spec(), after)
    return estimate(spec(), after, live(**counts), changes, Decimal(price) if price else None)


def test_another_model_embeds_every_chunk() -> None:
    found = bill(spec(embedding=PAID), "0.13")
    assert (found.chunks, found.tokens) == (1000, 250_000)
    assert found.price == Decimal("0.0325")
    words = " ".join(in_words(found, spec(embedding=PAID)))
    assert "estimated, at most: 1000 chunks, 250000 tokens to embed" in words
    assert "at most: 0.03, at the price given" in words
    cheap = bill(spec(embedding=PAID), "0.01", chunks=4)
    assert "at most: less than 0.01" in " ".join(in_words(cheap, spec(embedding=PAID)))


def test_a_prefix_is_embedded_with_each_chunk() -> None:
    with_prefix = bill(spec(embedding={**PAID, "documentPrefix": "text: " + "x" * 34}))
    assert with_prefix.tokens == 250_000 + 10_000


def test_smaller_chunks_are_more_and_overlap_is_paid_twice() -> None:
    assert bill(spec(chunking={"maxCharacters": 500})).chunks == 2000
    assert bill(spec(chunking={"maxCharacters": 500})).tokens == 250_000
    twice = bill(spec(chunking={"maxCharacters": 1000, "overlapCharacters": 500}))
    assert (twice.chunks, twice.tokens) == (2000, 500_000)
    few = bill(spec(chunking={"maxCharacters": 8000}), chunks=100, documents=100)
    assert few.chunks == 100  # a document has one at least


def test_a_limit_of_tokens_bounds_the_estimate() -> None:
    assert bill(spec(chunking={"maxTokens": 100})).tokens == 100_000


def test_what_embeds_nothing_costs_nothing() -> None:
    language = bill(spec(retrieval={"language": "german"}), "0.13")
    assert (language.tokens, language.price) == (0, Decimal(0))
    local = bill(spec(embedding={"model": "minilm"}), "0.13")
    assert local.price == 0
    assert "no endpoint is paid" in " ".join(in_words(local, spec(embedding={"model": "minilm"})))


def test_what_new_documents_cost_is_not_guessed() -> None:
    found = bill(spec(sources=[GIT, RULES]), "0.13")
    assert found.tokens is None
    assert found.price is None
    assert "shows when the sources are read" in found.why


def file(*items: dict[str, Any]) -> str:
    return yaml.safe_dump_all(items)


def pipeline(name: str, **groups: Any) -> dict[str, Any]:
    return {
        "apiVersion": "ragwright.dev/v1alpha1",
        "kind": "RagPipeline",
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"sources": [GIT], **groups},
    }


def test_the_pipeline_of_a_file_is_found_among_other_objects() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "docs"}}
    found = read_file(file(service, pipeline("docs")), None)
    assert (found.name, found.namespace, found.spec) == ("docs", "team", spec())
    two = file(pipeline("a"), pipeline("b"))
    assert read_file(two, "b").name == "b"
    with pytest.raises(UsageError, match="name one: a, b"):
        read_file(two, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "no YAML, line"),
        ("just words", "holds no RagPipeline"),
        (file(pipeline("docs")).replace("name: docs", "none: docs"), "no metadata.name"),
        (file(pipeline("docs", chunking={"maxCharacters": 1})), "chunking.maxCharacters"),
        (file(pipeline("docs", chunks=1)), "chunks"),
        ("[" * 5000, "no YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(CliError, match=words):
        read_file(text, None)


@pytest.mark.parametrize("text", ["cheap", "-1", "NaN", "Infinity", "1e9", ""])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no price"):
        read_price(text)
    assert read_price("0.13") == Decimal("0.13")
    assert read_price(None) is None
