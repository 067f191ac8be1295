"""Rankings to rows of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.eval.peers.material import CUTS
from bench.eval.questions import Piece, Question, recall


@dataclass(frozen=True)
class Scored:
    """Of one way to retrieve: for each cut, each question's recall and characters returned."""

    name: str
    recalls: dict[int, list[float]]
    characters: dict[int, list[int]]

    def at(self, cut: int, questions: Sequence[int]) -> list[float]:
        """Recalls in points, of these questions."""
        return [100 * self.recalls[cut][question] for question in questions]

    def row(self, questions: Sequence[int]) -> dict[str, Any]:
        row: dict[str, Any] = {"row": self.name}
        for cut in CUTS:
            row[f"r{cut}"] = round(_mean(self.at(cut, questions)), 1)
        for cut in CUTS:
            row[f"characters{cut}"] = round(
                _mean([self.characters[cut][question] for question in questions])
            )
        return row


def score(name: str, questions: Sequence[Question], ranked: dict[int, list[list[Piece]]]) -> Scored:
    return Scored(
        name,
        {
            cut: [recall(question, pieces[:cut]) for question, pieces in _pairs(questions, lists)]
            for cut, lists in ranked.items()
        },
        {
            cut: [sum(piece.end - piece.start for piece in pieces[:cut]) for pieces in lists]
            for cut, lists in ranked.items()
        },
    )


def _pairs(
    questions: Sequence[Question], lists: list[list[Piece]]
) -> list[tuple[Question, list[Piece]]]:
    return list(zip(questions, lists, strict=True))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
