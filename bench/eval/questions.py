"""The set: documents, questions, and the spans of the documents that answer them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

# Questions of which the weights were chosen, each by its digest: what is reported leaves them out.
CHOSEN_ON = Path(__file__).parent / "chosen_on.txt"


class SetMissingError(Exception):
    """The message says what is missing, and where a set comes from."""


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a document."""

    start: int
    end: int


@dataclass(frozen=True)
class Question:
    text: str
    document: str
    spans: tuple[Span, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Piece:
    """A chunk as it was returned: characters [start, end) of a document."""

    document: str
    start: int
    end: int


def read_questions(corpus: Path, file: Path) -> list[Question]:
    """Raises SetMissingError when there is none, or a question's document is not there."""
    if not corpus.is_dir() or not file.is_file():
        raise SetMissingError(
            f"no evaluation set at {corpus} and {file}; none comes with the source. Name one: "
            "make eval CORPUS=folder-of-documents QUESTIONS=questions.jsonl (the format: "
            "docs/explanation/retrieval.md)"
        )
    lines = (json.loads(line) for line in file.read_text().splitlines() if line.strip())
    questions = [_question(line) for line in lines]
    if missing := {item.document for item in questions if not (corpus / item.document).is_file()}:
        raise SetMissingError(f"{corpus} has no {', '.join(sorted(missing))}")
    return questions


def _question(line: dict[str, object]) -> Question:
    spans = line["spans"]
    assert isinstance(spans, list)
    return Question(
        text=str(line["question"]),
        document=str(line["document"]),
        spans=tuple(Span(span["start"], span["end"]) for span in spans),
    )


def recall(question: Question, pieces: Iterable[Piece]) -> float:
    """The share of the characters of a question's spans that the pieces cover."""
    wanted = {at for span in question.spans for at in range(span.start, span.end)}
    covered: set[int] = set()
    for piece in pieces:
        if piece.document == question.document:
            covered.update(wanted.intersection(range(piece.start, piece.end)))
    return len(covered) / len(wanted)


def is_for_choosing(question: Question) -> bool:
    """A third of any set, by the question's own digest."""
    return int(question.digest, 16) % 3 == 0


def held_out(questions: Sequence[Question]) -> list[int]:
    """Positions of the questions that the weights were not chosen on."""
    seen = set(CHOSEN_ON.read_text().split())
    return [at for at, question in enumerate(questions) if question.digest not in seen]
