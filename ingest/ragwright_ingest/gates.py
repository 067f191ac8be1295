"""The gates before the swap. All must hold; the live version goes on otherwise. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragwright_core.report import Verdict
from ragwright_core.spec import Gates

LONGEST_WORDS = 300


@dataclass(frozen=True)
class Measured:
    """What a loaded version holds."""

    documents: int
    failed: int
    chunks: int
    wrong_dimensions: int
    broken_vectors: int


@dataclass(frozen=True)
class Asked:
    """A golden question as the version answers it: `rank` of the expected source among the first
    topK (1 is first), `first` source found, `known` whether the expected one is a document at all,
    and `nearest`, the document whose name is most like it."""

    question: str
    source: str
    rank: int | None
    first: str
    known: bool
    nearest: str = ""


def of_content(measured: Measured, live_chunks: int | None, gates: Gates) -> list[Verdict]:
    """What can be said before the index is built. `live_chunks` is None before the first swap:
    nothing can shrink then."""
    return [
        _verdict("chunks", measured.chunks > 0, "at least 1 chunk", f"{measured.chunks}"),
        _shrink(measured.chunks, live_chunks, gates.max_shrink),
        _failed(measured, gates.max_failed_documents),
        _verdict(
            "dimensions",
            measured.wrong_dimensions == 0,
            "0 vectors of other dimensions",
            f"{measured.wrong_dimensions}",
        ),
        _verdict(
            "vectors",
            measured.broken_vectors == 0,
            "0 vectors that are zero or not finite",
            f"{measured.broken_vectors}",
        ),
    ]


def planner(chunks: int, *, uses_index: bool, scan_is_fine: int) -> Verdict:
    """Of so few chunks that a scan is as fast, a scan is right."""
    return _verdict(
        "planner",
        uses_index or chunks < scan_is_fine,
        f"a search that uses the ANN index, from {scan_is_fine} chunks on",
        f"{'the index' if uses_index else 'an exact scan'} for {chunks} chunks",
    )


def recall(found: int, wanted: int, limit: int) -> Verdict:
    """`found` of `wanted` nearest chunks were among those that the index gave."""
    percent = 100 * found / wanted if wanted else 100.0
    hint = "" if percent >= limit else "; a higher hnsw.ef_search finds more"
    return _verdict(
        "minRecall",
        percent >= limit,
        f"at least {limit} % of the 10 nearest chunks",
        f"{percent:.1f} % ({found} of {wanted}{hint})",
    )


def golden(asked: Sequence[Asked], top_k: int) -> Verdict:
    missed = [item for item in asked if item.rank is None]
    words = "; ".join(map(_missed, missed))
    return _verdict(
        "goldenQuestions",
        not missed,
        f"every expected source among the first {top_k}",
        f"{len(asked) - len(missed)} of {len(asked)}" + (f": {words}" if words else ""),
    )


def _missed(item: Asked) -> str:
    if item.known:
        return f"{item.question[:60]!r} finds {item.first} first, not {item.source}"
    like = f", the nearest is {item.nearest}" if item.nearest else ""
    return f"{item.source} names no document{like}"


def moved(asked: Iterable[Asked], live: Iterable[Asked]) -> list[str]:
    """Golden questions whose first source is another than the live version's; at most 10."""
    return [
        f"{new.question[:60]}: {old.first or 'nothing'} -> {new.first or 'nothing'}"[:150]
        for new, old in zip(asked, live, strict=True)
        if new.first != old.first
    ][:10]


def _shrink(chunks: int, live_chunks: int | None, limit: int) -> Verdict:
    lost = max(0.0, 100 * (1 - chunks / live_chunks)) if live_chunks else 0.0
    return _verdict(
        "maxShrink",
        lost <= limit,
        f"at most {limit} % fewer chunks",
        f"{lost:.1f} % fewer ({live_chunks or 0} -> {chunks})",
    )


def _failed(measured: Measured, limit: int) -> Verdict:
    percent = 100 * measured.failed / measured.documents if measured.documents else 0.0
    return _verdict(
        "maxFailedDocuments",
        percent <= limit,
        f"at most {limit} % failed documents",
        f"{percent:.1f} % ({measured.failed} of {measured.documents})",
    )


def _verdict(gate: str, ok: bool, want: str, got: str) -> Verdict:  # noqa: FBT001
    return Verdict(gate=gate, ok=ok, want=want, got=got[:LONGEST_WORDS])


def failed(results: Iterable[Verdict], override: Iterable[str] = ()) -> list[Verdict]:
    """Gates that failed and that no person has overridden."""
    accepted = set(override)
    return [item for item in results if not item.ok and item.gate not in accepted]


def failure(results: Iterable[Verdict], override: Iterable[str] = ()) -> str | None:
    """What failed, in one sentence; None when every gate holds or is overridden."""
    wrong = [f"{item.gate}: want {item.want}, got {item.got}" for item in failed(results, override)]
    if not wrong:
        return None
    return (
        f"{'; '.join(wrong)[:500]}. The live version goes on. Mend the documents, or change "
        "reindex.gates, then ask again"
    )
