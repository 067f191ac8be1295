"""The gates before the swap. All must hold; the live version goes on otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ragwright_core.spec import Gates


@dataclass(frozen=True)
class Measured:
    """What a loaded version holds."""

    documents: int
    failed: int
    chunks: int
    wrong_dimensions: int
    broken_vectors: int


@dataclass(frozen=True)
class Verdict:
    """One gate: what it wants and what it got, in words that a condition can show."""

    gate: str
    ok: bool
    want: str
    got: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def verdicts(measured: Measured, live_chunks: int | None, gates: Gates) -> list[Verdict]:
    """`live_chunks` is None before the first swap: nothing can shrink then."""
    return [
        Verdict("chunks", measured.chunks > 0, "at least 1 chunk", f"{measured.chunks}"),
        _shrink(measured.chunks, live_chunks, gates.max_shrink),
        _failed(measured, gates.max_failed_documents),
        Verdict(
            "dimensions",
            measured.wrong_dimensions == 0,
            "0 vectors of other dimensions",
            f"{measured.wrong_dimensions}",
        ),
        Verdict(
            "vectors",
            measured.broken_vectors == 0,
            "0 vectors that are zero or not finite",
            f"{measured.broken_vectors}",
        ),
    ]


def _shrink(chunks: int, live_chunks: int | None, limit: int) -> Verdict:
    lost = max(0.0, 100 * (1 - chunks / live_chunks)) if live_chunks else 0.0
    return Verdict(
        "maxShrink",
        lost <= limit,
        f"at most {limit} % fewer chunks",
        f"{lost:.1f} % fewer ({live_chunks or 0} -> {chunks})",
    )


def _failed(measured: Measured, limit: int) -> Verdict:
    percent = 100 * measured.failed / measured.documents if measured.documents else 0.0
    return Verdict(
        "maxFailedDocuments",
        percent <= limit,
        f"at most {limit} % failed documents",
        f"{percent:.1f} % ({measured.failed} of {measured.documents})",
    )


def failure(results: list[Verdict]) -> str | None:
    """What failed, in one sentence; None when every gate holds."""
    failed = [f"{item.gate}: want {item.want}, got {item.got}" for item in results if not item.ok]
    if not failed:
        return None
    return (
        f"{'; '.join(failed)}. The live version goes on. Mend the documents, or change "
        "reindex.gates, then ask again"
    )
