"""Bad input: refused at apply in a sentence, or a condition that goes when it is mended."""

from __future__ import annotations

from typing import Any

import pytest

from dev.kubectl import KubectlError
from tests.kit.cluster import RULES, Namespace, pipeline

LOST = {"question": "What is the refund policy?", "source": "nowhere.md"}
GIT = {"name": "docs", "git": {"url": "http://nowhere.invalid/docs.git"}}
OVER = {"requests": {"memory": "2Gi"}, "limits": {"memory": "2000Mi"}}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"sources": []}, "sources"),
    (
        {"sources": [{"name": "a", "configMap": {"name": "b"}, "git": GIT["git"]}]},
        "a source is either git or configMap",
    ),
    (
        {"sources": [{"name": "a", "git": {"url": "ftp://x"}}]},
        "write a URL that begins with http:// or https://",
    ),
    (
        {"sources": [{"name": "a", "git": {"url": "https://me:secret@git.example/x"}}]},
        "without credentials: those go into git.secretRef",
    ),
    (
        {"sources": [{"name": "A b", "configMap": {"name": "rules"}}]},
        "a source's name begins with a letter and holds only a-z, 0-9 and -",
    ),
    (
        {"sources": [{"name": "a", "configMap": {"name": "Rules"}}]},
        "write the name of an object: small letters, digits",
    ),
    (
        {"database": {"secretKeyRef": {"name": "x", "key": "a/b"}}},
        "write a key of the Secret: letters, digits",
    ),
    (
        {"database": {"managed": {"storage": "12 GB"}}},
        "write a quantity as Kubernetes takes them, such as 500m, 2 or 1Gi",
    ),
    (
        {"api": {"resources": {"limits": {"cpu": "-1"}}}},
        "write a quantity as Kubernetes takes them",
    ),
    *(
        ({group: inside}, "requests.memory is more than limits.memory")
        for group, inside in {
            "api": {"resources": OVER},
            "ingest": {"resources": OVER},
            "database": {"managed": {"resources": OVER}},
            "cache": {"managed": {"resources": OVER}},
        }.items()
    ),
    (
        {"api": {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1900m"}}}},
        "requests.cpu is more than limits.cpu",
    ),
    ({"cache": {"inProcessMemory": 0.5}}, "must be of type integer,string"),
    ({"retrieval": {"minScore": 0.25}}, "must be of type integer"),
    ({"retrieval": {"adjacentShare": 101}}, "less than or equal to 100"),
    # Names of early builds.
    ({"database": {"secretRef": {"name": "x"}}}, "unknown field"),
    ({"retrieval": {"scoreThreshold": 0.25}}, "unknown field"),
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
        {"database": {"managed": {}, "secretKeyRef": {"name": "x"}}},
        "write database.managed or database.secretKeyRef, not both",
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
    namespace.apply(pipeline("secretless", database={"secretKeyRef": secret}))
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
