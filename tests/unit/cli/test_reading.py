"""What `kubectl rag` reads from a pipeline's status: what is wrong, and how it stands."""

from __future__ import annotations

from typing import Any

import pytest

from ragwright_cli.commands.approve import approvable
from ragwright_cli.commands.rollback import previous
from ragwright_cli.pipeline import Pipeline, only_one, read_pipeline
from ragwright_cli.problems import CliError, UsageError
from ragwright_cli.reading.arguments import name_and_question, name_and_version
from ragwright_cli.reading.standing import headline, rows
from ragwright_cli.reading.webhooks import find_webhooks
from ragwright_cli.reading.wrong import find_wrong
from ragwright_operator.wanted.approval import approved
from tests.kit.argocd import SCENES
from tests.kit.operator_world import NAME, World


async def scene(name: str) -> Pipeline:
    return shown(await SCENES[name]())


def shown(world: World) -> Pipeline:
    return read_pipeline(world.objects["RagPipeline", NAME])


@pytest.mark.parametrize(
    "name",
    ["just_applied", "first_build", "healthy", "routine_build", "pinned", "approval_waited_for"],
)
async def test_what_goes_as_it_should_is_not_wrong(name: str) -> None:
    assert find_wrong(await scene(name)) == []


@pytest.mark.parametrize(
    ("name", "what", "reason"),
    [
        ("first_build_retried", "Degraded", "SourceUnreachable"),
        ("first_build_stalled", "Degraded, Stalled, Ready, IndexReady", "SourceNotFound"),
        ("build_retried_while_answering", "Degraded", "EmbeddingUnavailable"),
        ("refused", "Degraded, Stalled", "Rejected"),
        ("unreadable_spec", "Degraded, Stalled", "InvalidSpec"),
        ("no_api_pod", "Ready, ApiAvailable", "NotReady"),
    ],
)
async def test_one_cause_is_told_once(name: str, what: str, reason: str) -> None:
    found = find_wrong(await scene(name))
    assert (found[0].what, found[0].reason) == (what, reason)
    assert len({item.cause for item in found}) == len(found)


async def test_a_message_within_another_is_not_told_again() -> None:
    world = await SCENES["no_api_pod"]()
    for condition in world.objects["RagPipeline", NAME]["status"]["conditions"]:
        if condition["type"] == "Degraded":
            also = "git is away. Also NotReady: no API pod is ready yet. See: kubectl"
            condition |= {"status": "True", "message": also}
        elif condition["type"] in ("Ready", "ApiAvailable"):
            condition["message"] = "no API pod is ready yet"
    [found] = find_wrong(shown(world))
    assert found.what == "Degraded, Ready, ApiAvailable"


async def test_a_failed_gate_is_told_with_what_it_wanted_and_how_to_go_on() -> None:
    [cause, *gates] = find_wrong(await scene("gates_failed"))
    assert cause.command == (
        "kubectl rag approve docs --override goldenQuestions,maxShrink -n team"
    )
    assert [item.what for item in gates] == [
        "gate goldenQuestions of version 3",
        "gate maxShrink of version 3",
    ]
    assert "wants 1; got 2" in gates[0].cause


async def test_an_overridden_gate_of_the_live_version_is_no_fault() -> None:
    world = await SCENES["gates_failed"]()
    status = world.objects["RagPipeline", NAME]["status"]
    status["judged"]["number"] = status["index"]["live"]["number"]
    assert not [item for item in find_wrong(shown(world)) if item.what.startswith("gate ")]


async def test_failed_documents_are_those_of_what_answers() -> None:
    world = await SCENES["healthy"]()
    newest, oldest = world.objects["RagPipeline", NAME]["status"]["history"]
    for entry, words in ((newest, "a.md: no text"), (oldest, "b.md: mended since")):
        entry |= {"failedDocuments": [words], "seconds": {"load": 1.0}}
    newest["warnings"] = ["pgvector is old"]
    found = [(item.what, item.cause) for item in find_wrong(shown(world))]
    assert found == [
        ("a document of version 2", "a.md: no text"),
        ("version 2", "pgvector is old"),
    ]


async def test_status_tells_versions_pauses_and_what_waits() -> None:
    assert headline(await scene("healthy")) == "docs in team: Ready"
    assert headline(await scene("just_applied")).endswith("not looked at by an operator yet")
    healthy = dict(rows(await scene("healthy")))
    assert healthy["live"].startswith("version 2: 2 documents, 4 chunks, since 2026-11-23 08:00")
    assert healthy["previous"] == "version 1"
    assert dict(rows(await scene("routine_build")))["building"] == "a version: load"
    waiting = dict(rows(await scene("approval_waited_for")))["waiting"]
    assert waiting == "version 3 is ready; to swap it in: kubectl rag approve docs -n team"
    assert "generation 2" in dict(rows(await scene("generation_behind")))["spec"]
    assert "suspended" in dict(rows(await scene("suspended")))
    assert dict(rows(await scene("pinned")))["pinned"].startswith("version 1")


async def test_an_approval_is_what_the_operator_understands() -> None:
    ready = approvable(await scene("approval_waited_for"), None)
    assert approved(ready.approval) == approved("3")
    failed = await scene("gates_failed")
    told = approved(approvable(failed, "maxShrink, goldenQuestions").approval)
    assert told is not None
    assert told.number == 3
    assert told.override == ("goldenQuestions", "maxShrink")


@pytest.mark.parametrize(
    ("name", "override", "words"),
    [
        ("healthy", None, "no version of docs waits"),
        ("gates_failed", None, "--override goldenQuestions,maxShrink"),
        ("gates_failed", "maxShrink", "--override goldenQuestions,maxShrink"),
        ("approval_waited_for", "maxShrink", "failed no gate"),
    ],
)
async def test_an_approval_without_effect_is_not_written(
    name: str, override: str | None, words: str
) -> None:
    with pytest.raises(CliError, match=words):
        approvable(await scene(name), override)


async def test_without_a_number_the_version_before_is_meant() -> None:
    assert previous(await scene("healthy")) == 1
    with pytest.raises(CliError, match="pinned already"):
        previous(await scene("pinned"))
    with pytest.raises(CliError, match="keeps no version"):
        previous(await scene("first_build"))


def test_the_name_may_be_left_out() -> None:
    assert name_and_question(["How long?"]) == (None, "How long?")
    assert name_and_question(["docs", "How long?"]) == ("docs", "How long?")
    assert name_and_version([]) == (None, None)
    assert name_and_version(["docs"]) == ("docs", None)
    assert name_and_version(["7"]) == (None, 7)
    assert name_and_version(["docs", "7"]) == ("docs", 7)
    assert name_and_version(["6", "7"]) == ("6", 7)


@pytest.mark.parametrize("arguments", [["docs", "seven"], ["0"], ["a", "b", "7"], ["docs", "²"]])
def test_what_is_no_version_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        name_and_version(arguments)


@pytest.mark.parametrize("arguments", [["How", "long", "does it"], ["docs", " "]])
def test_what_is_no_question_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        name_and_question(arguments)


def raw(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "team", "generation": 1}, "spec": spec}


def test_the_only_pipeline_is_meant_and_of_several_the_names_are_told() -> None:
    assert only_one([raw("docs")], "team").names.name == "docs"
    with pytest.raises(UsageError, match="name one: a, b"):
        only_one([raw("b"), raw("a")], "team")
    with pytest.raises(CliError, match="no RagPipeline in namespace team"):
        only_one([], "team")


def test_webhooks_are_below_the_url_from_outside() -> None:
    hook = {"secretKeyRef": {"name": "hook", "key": "secret"}}
    sources = [{"name": "handbook", "webhook": hook}, {"name": "rules"}]
    api = {"externalURL": "https://docs.example.com/x/"}
    [found] = find_webhooks(read_pipeline(raw("docs", sources=sources, api=api)))
    assert found.source == "handbook"
    assert found.url == "https://docs.example.com/x/api/rag/webhooks/handbook"
    with pytest.raises(CliError, match=r"spec\.api\.externalURL"):
        find_webhooks(read_pipeline(raw("docs", sources=sources)))
    with pytest.raises(CliError, match="takes webhooks"):
        find_webhooks(read_pipeline(raw("docs", sources=sources[1:], api=api)))
