"""The largest resource that the CRD admits, as far as its Jobs read it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ragwright_core.spec import Embedding, Gates, Git, GoldenQuestion, RagPipelineSpec, Source

# JSON writes it in six bytes, more than any other character.
WORST = "\x01"


def bounds(model: type[BaseModel], field: str) -> dict[str, Any]:
    schema = model.model_json_schema()["properties"][field]
    return dict(next(iter(schema.get("anyOf", [])), schema))


def text(model: type[BaseModel], field: str, begins: str = "") -> str:
    room = bounds(model, field)["maxLength"] - len(begins)
    return begins + WORST * int(room)


def _name(model: type[BaseModel], field: str, number: int) -> str:
    return f"n{number:02}".ljust(bounds(model, field)["maxLength"], "n")


def _globs(field: str) -> list[str]:
    found = bounds(Source, field)
    return [WORST * found["items"]["maxLength"]] * int(found["maxItems"])


def _source(number: int) -> dict[str, Any]:
    git = {
        "url": text(Git, "url", "http://"),
        "ref": text(Git, "ref"),
        "path": text(Git, "path"),
        "secretRef": {"name": f"s{number:02}".ljust(253, "s")},
    }
    return {
        "name": _name(Source, "name", number),
        "git": git,
        "include": _globs("include"),
        "exclude": _globs("exclude"),
    }


def _golden(number: int) -> dict[str, Any]:
    return {
        "question": text(GoldenQuestion, "question", f"{number:02}"),
        "source": text(GoldenQuestion, "source"),
    }


def largest() -> dict[str, Any]:
    """Groups of the largest spec, without those that are short or that Jobs do not read."""
    return {
        "sources": [_source(n) for n in range(bounds(RagPipelineSpec, "sources")["maxItems"])],
        "embedding": {
            "provider": "openai",
            "model": text(Embedding, "model"),
            "dimensions": 4000,
            "baseUrl": text(Embedding, "baseUrl", "http://"),
            "secretKeyRef": {"name": "s" * 253, "key": "k" * 253},
            "documentPrefix": text(Embedding, "documentPrefix"),
            "queryPrefix": text(Embedding, "queryPrefix"),
        },
        "reindex": {
            "gates": {
                "goldenQuestions": [
                    _golden(n) for n in range(bounds(Gates, "goldenQuestions")["maxItems"])
                ]
            }
        },
    }
