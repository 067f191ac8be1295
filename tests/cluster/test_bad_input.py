"""Bad input: refused at apply in a sentence, or a condition that goes when it is mended."""

from __future__ import annotations

from typing import Any

import pytest

from dev.kubectl import KubectlError
from tests.cluster.kit import RULES, Namespace, pipeline

LOST = {"question": "What is the refund policy?", "source": "nowhere.md"}
GIT = {"name": "docs", "git": {"url": "http://nowhere.invalid/docs.git"}}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"sources": []}, "sources"),
    (
        {"sources": [{"name": "a", "configMap": {"name": "b"}, "git": GIT["git"]}]},
        "a source is either git or configMap",
    ),
    ({"sources": [{"name": "a", "git": {"url": "ftp://x"}}]}, "url"),
    ({"embedding": {"provider": "openai"}}, "needs baseUrl, model and dimensions"),
    ({"embedding": {"dimensions": 99}}, "64, 128 or 256 dimensions"),
    ({"embedding": {"dimensions": 5000}}, "4000"),
    ({"embedding": {"model": "minilm", "dimensions": 256}}, "minilm has 384 dimensions"),
    ({"embedding": {"model": "bert"}}, "knows the models wordllama and minilm"),
    (
        {"embedding": {"model": "minilm"}, "chunking": {"maxTokens": 255}},
        "write at most 254 for chunking.maxTokens",
    ),
    (
        {
            "embedding": {
                "provider": "openai",
                "model": "m",
                "dimensions": 8,
                "baseUrl": "http://e",
            },
            "chunking": {"maxTokens": 99},
        },
        "an endpoint's are not known here: write maxCharacters",
    ),
    ({"retrieval": {"denseWeight": 0, "lexicalWeight": 0}}, "are both 0"),
    ({"retrieval": {"language": "klingon"}}, "language"),
    ({"llm": {"provider": "openai"}}, "llm.provider openai needs baseUrl and model"),
    (
        {"database": {"managed": {}, "secretRef": {"name": "x"}}},
        "write database.managed or database.secretRef, not both",
    ),
    ({"chunking": {"maxCharacters": 100, "overlapCharacters": 90}}, "at most half"),
    ({"api": {"replicas": -1}}, "replicas"),
    ({"ingest": {"paralelism": 2}}, "unknown field"),
    ({"reindex": {"gates": {"maxShrink": 100}}}, "would allow an index without a chunk"),
    ({"reindex": {"gates": {"goldenQuestions": [LOST, LOST]}}}, "Duplicate value"),
    ({"reindex": {"pin": 0}}, "pin"),
    ({"reindex": {"approval": "Perhaps"}}, "approval"),
]


@pytest.mark.parametrize(("spec", "sentence"), REFUSED)
def test_refused_at_apply(namespace: Namespace, spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(KubectlError, match=sentence.replace(".", r"\.")):
        namespace.apply(pipeline("bad", **spec))
    assert namespace.get("rag", "bad") is None


def test_a_name_too_long_for_its_children_is_refused(namespace: Namespace) -> None:
    with pytest.raises(KubectlError, match="at most 40 characters"):
        namespace.apply(pipeline("a" * 41))


def test_what_only_the_cluster_sees_becomes_a_condition_and_recovers(namespace: Namespace) -> None:
    namespace.write_rules(RULES)
    namespace.apply(pipeline("good"))
    missing = {"name": "later", "configMap": {"name": "later"}}
    namespace.apply(pipeline("empty", sources=[missing]))
    namespace.apply(pipeline("unreachable", sources=[GIT]))
    secret = {"name": "no-such-secret"}
    namespace.apply(pipeline("secretless", database={"secretRef": secret}))
    namespace.apply(pipeline("clockless", reindex={"schedule": "every night"}))
    namespace.apply(pipeline("zoneless", reindex={"timeZone": "Mars/Olympus"}))
    namespace.apply(pipeline("golden", reindex={"gates": {"goldenQuestions": [LOST]}}))

    assert "write five fields" in namespace.until_reason("clockless", "InvalidSpec")
    assert "write an IANA name" in namespace.until_reason("zoneless", "InvalidSpec")
    assert "nowhere.md names no document" in namespace.until_reason("golden", "GateFailed")
    assert "ConfigMap later does not exist" in namespace.until_reason("empty", "SourceNotFound")
    assert "nowhere.invalid" in namespace.until_reason("unreachable", "SourceUnreachable")
    assert "database" in namespace.until_reason("secretless", "SecretMissing", seconds=300)
    # A bad pipeline never disturbs another.
    namespace.until_live("good", 1)
    namespace.apply(pipeline("good", reindex={"pin": 9}))
    assert "there is no version 9 any more" in namespace.until_reason(
        "good", "PinnedVersionMissing"
    )
    assert namespace.state("good").live == 1

    namespace.write_rules(RULES, name="later")
    mended = namespace.until("empty", lambda at: at.live == 1, "the mended pipeline", seconds=300)
    assert mended.trouble == ""
