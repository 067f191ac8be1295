"""Documents of another release: read, with the field named that this one does not know.

`written_by` holds, by commit, what earlier code wrote with its own models.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ragwright_core.index.descriptor import Descriptor
from ragwright_core.model import Wire
from ragwright_core.orders import BuildOrder, CleanupOrder, SwapOrder
from ragwright_core.report import IndexSummary, Reason, Report
from ragwright_core.serving import ServeSettings
from ragwright_core.status import PipelineStatus

WRITTEN = Path(__file__).parents[1] / "written_by"
KINDS: dict[str, type[Wire]] = {
    "settings": ServeSettings,
    "build-order": BuildOrder,
    "swap-order": SwapOrder,
    "cleanup-order": CleanupOrder,
    "index": IndexSummary,
    "status": PipelineStatus,
    "descriptor": Descriptor,
}
DOCUMENTS = sorted(WRITTEN.glob("*/*.json"))
# Maps of the user's own words, in which nothing is unknown.
MAPS = {("seconds",), ("revisions",), ("parts",)}
Place = tuple[str | int, ...]


def kind_of(file: Path) -> type[Wire]:
    return Report if file.stem.startswith("report-") else KINDS[file.stem]


def name(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def objects(node: Any, place: Place = ()) -> Iterator[Place]:
    """Every object inside a document, itself included."""
    if isinstance(node, dict):
        if place[-1:] not in MAPS:
            yield place
        for key, child in node.items():
            yield from objects(child, (*place, key))
    if isinstance(node, list):
        for number, child in enumerate(node):
            yield from objects(child, (*place, number))


def values(node: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every single value inside a document."""
    if isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from values(child, (*place, key))
    else:
        yield place, node


def at(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def test_every_kind_has_a_document() -> None:
    there = {file.stem for file in DOCUMENTS}
    assert set(KINDS) <= there
    assert {stem.removeprefix("report-") for stem in there - set(KINDS)} == {
        "loaded", "unchanged", "ready", "swapped", "dropped", "cleaned", "failed",
    }  # fmt: skip


@pytest.mark.parametrize("file", DOCUMENTS, ids=name)
def test_what_an_earlier_commit_wrote_is_read(file: Path) -> None:
    found, ignored = kind_of(file).read(file.read_bytes())
    taken = found.model_dump(mode="json")
    for place, value in values(json.loads(file.read_text())):
        if not _is_left_out(place, ignored):
            assert at(taken, place) == value, place
    assert kind_of(file).read(found.model_dump_json()) == (found, ())


@pytest.mark.parametrize("file", DOCUMENTS, ids=name)
def test_an_unknown_field_at_any_level_is_left_out_and_named(file: Path) -> None:
    kind, document = kind_of(file), json.loads(file.read_text())
    plain, usual = kind.read(document)
    for place in objects(document):
        newer = copy.deepcopy(document)
        at(newer, place)["fromTheFuture"] = {"deep": [1]}
        found, ignored = kind.read(newer)
        assert found == plain
        if not _is_left_out(place, usual):
            named = ".".join(map(str, (*place, "fromTheFuture")))
            assert set(ignored) - set(usual) == {named}
        assert kind.read_what_fits(newer)[0] == plain


def _is_left_out(place: Place, unknown: tuple[str, ...]) -> bool:
    path = ".".join(map(str, place))
    return any(path == part or path.startswith(f"{part}.") for part in unknown)


def written(stem: str) -> Any:
    return json.loads((WRITTEN / "9dc460f" / f"{stem}.json").read_text())


def test_words_of_a_newer_release_stop_no_reader() -> None:
    report = written("report-failed")
    report["outcome"], report["problem"]["reason"] = "halfDone", "MoonTooBright"
    found, ignored = Report.read_what_fits(report)
    assert (found.outcome, ignored) == ("unknown", ("outcome",))
    assert found.problem is not None
    assert found.problem.reason == "MoonTooBright"

    summary = written("index")
    summary["building"]["phase"] = summary["others"][0]["state"] = "resting"
    assert IndexSummary.read(summary)[1] == ()

    status = written("status")
    status["conditions"][0]["type"] = "Shiny"
    status["conditions"][2]["type"] = "Shinier"
    status["history"][1]["outcome"] = "halfDone"
    status["swap"]["cause"] = "Dreamt"
    read, ignored = PipelineStatus.read_what_fits(status)
    usual, renamed = PipelineStatus.read(written("status"))
    assert set(ignored) - set(renamed) == {
        *("conditions.0", "conditions.0.type", "conditions.2", "conditions.2.type"),
        *("history.1", "history.1.outcome"),
    }
    assert read.conditions == [usual.conditions[1], *usual.conditions[3:]]
    assert read.history == [usual.history[0], *usual.history[2:]]
    assert read.operator == usual.operator


def test_settings_of_a_newer_release_are_used_as_far_as_they_go() -> None:
    document = written("settings")
    document["llm"]["provider"] = "oracle"
    document["retrieval"] |= {"topK": 5000, "language": "klingon"}
    del document["cache"]
    found, ignored = ServeSettings.read_what_fits(document)
    _, renamed = ServeSettings.read(written("settings"))
    assert set(ignored) - set(renamed) == {"llm.provider", "retrieval.language", "retrieval.topK"}
    assert (found.llm.provider, found.retrieval.top_k) == ("extractive", 5)
    assert found.llm.model == "l"
    assert found.cache.answer_ttl == 14_400


def test_nothing_is_guessed_of_an_order_or_of_what_is_live() -> None:
    order = written("build-order")
    order["spec"]["retrieval"]["language"] = "klingon"
    with pytest.raises(ValidationError, match="language"):
        BuildOrder.read(order)
    summary = written("index")
    del summary["live"]["shape"]
    with pytest.raises(ValidationError, match="shape"):
        IndexSummary.read(summary)


@pytest.mark.parametrize("text", ["", "Killed", "7", "[]", "null", '{"pipeline": 7}'])
def test_what_is_no_document_at_all_is_refused(text: str) -> None:
    for read in (ServeSettings.read, ServeSettings.read_what_fits):
        with pytest.raises(ValueError):  # noqa: PT011 - of JSON, or of pydantic
            read(text)


def test_a_reason_that_is_known_is_that_reason() -> None:
    problem = Report.read(written("report-failed"))[0].problem
    assert problem is not None
    assert problem.reason is Reason.GATE_FAILED
