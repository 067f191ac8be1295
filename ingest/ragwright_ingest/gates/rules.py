"""The gates before the swap. If one of them fails, the live version stays live. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragwright_core.report import Verdict
from ragwright_core.spec import Gates

LONGEST_WORDS = 300


@dataclass(frozen=True)
class Measured:
    """Figures about a loaded version."""

    documents: int
    failed: int
    chunks: int
    wrong_dimensions: int
    broken_vectors: int


@dataclass(frozen=True)
class Asked:
    """The result of a golden question: the `rank` of the expected source among the first topK (1 is
    first), the `first` source found, whether the expected source is a document of the version at
    all (`known`), and the document whose name is most like it (`nearest`)."""

    question: str
    source: str
    rank: int | None
    first: str
    known: bool
    nearest: str = ""


def of_content(measured: Measured, live_chunks: int | None, gates: Gates) -> list[Verdict]:
    """Verdicts that are possible before the index is built. `live_chunks` is None before the first
    swap, when nothing can shrink."""
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
    """A scan is accepted if there are so few chunks that it is as fast as the index."""
    return _verdict(
        "planner",
        uses_index or chunks < scan_is_fine,
        f"a search that uses the ANN index, from {scan_is_fine} chunks on",
        f"{'the index' if uses_index else 'an exact scan'} for {chunks} chunks",
    )


def recall(found: int, wanted: int, limit: int) -> Verdict:
    """The index returned `found` of the `wanted` nearest chunks."""
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
        nothing = "nothing that reaches retrieval.minScore"
        found = f"{item.first} first" if item.first else nothing
        return f"{item.question[:60]!r} finds {found}, not {item.source}"
    like = f", the nearest is {item.nearest}" if item.nearest else ""
    return f"{item.source} names no document{like}"


def moved(asked: Iterable[Asked], live: Iterable[Asked]) -> list[str]:
    """At most 10 golden questions whose first source differs from the live version's."""
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
    """Verdicts of gates that failed and were not overridden."""
    accepted = set(override)
    return [item for item in results if not item.ok and item.gate not in accepted]


def failure(results: Iterable[Verdict], override: Iterable[str] = ()) -> str | None:
    """The failed gates in one sentence, or None when every gate holds or is overridden."""
    wrong = [f"{item.gate}: want {item.want}, got {item.got}" for item in failed(results, override)]
    if not wrong:
        return None
    return (
        f"{'; '.join(wrong)[:500]}. The live version goes on. Mend the documents, or change "
        "reindex.gates, then ask again"
    )
