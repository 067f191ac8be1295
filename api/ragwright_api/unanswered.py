"""Why a question gets another reply than 200. The message is for the caller."""

from __future__ import annotations

from typing import ClassVar


class UnansweredError(Exception):
    """`reason` is the body's `error` and a metric's label. The message says what to do next."""

    status: ClassVar[int] = 503
    reason: ClassVar[str] = "internal"
    words: ClassVar[str] = "the question could not be answered"
    #: Seconds after which to ask again, or None if that would not help.
    retry_after: int | None = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.words)


class DatabaseUnavailableError(UnansweredError):
    reason = "database_unavailable"
    words = "the database does not answer; try again shortly"


class LeaseUnavailableError(UnansweredError):
    """The primary did not say in time which version is live, so nothing may be answered."""

    reason = "database_unavailable"
    words = "the database does not say which index version is live; try again shortly"


class NoVersionError(UnansweredError):
    """No version has been swapped in yet."""

    reason = "no_index"
    words = "no index version is live yet; see how far it is with: kubectl get rag"


class VersionGoneError(UnansweredError):
    """The live version's tables were dropped several times during the question."""

    reason = "index_changing"
    words = "the index was swapped several times during this question; ask again"


class LlmUnavailableError(UnansweredError):
    """The language model gave no answer in time; asking again may help."""

    reason = "llm_unavailable"


class LlmRefusedError(UnansweredError):
    """The language model refused; the same request will be refused again."""

    status = 502
    retry_after = None
    reason = "llm_refused"


class QuestionEmbeddingError(UnansweredError):
    """The live version's embedding endpoint did not embed the question; the message says why."""

    reason = "embedding_unavailable"


class TooBusyError(UnansweredError):
    """The pod computes and queues as many questions as `api.load` allows."""

    status = 429
    reason = "too_busy"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many questions at once; ask again in {retry_after} s")
        self.retry_after = retry_after


class TooOftenError(UnansweredError):
    """The caches were emptied a moment ago, by a caller without a token."""

    status = 429
    reason = "too_often"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"without a token the caches are emptied once a minute: call again in {retry_after} s, "
            "or show the token of cache.tokenSecretKeyRef as Authorization: Bearer"
        )
        self.retry_after = retry_after


class CallerGoneError(UnansweredError):
    """The caller has hung up, so that nobody reads the reply."""

    status = 499
    retry_after = None
    reason = "caller_gone"
    words = "the caller has hung up"
