"""What two programs must agree on: each figure, name and place stands here once.

This module imports nothing of ours, so that every other module may import it.
"""

from __future__ import annotations

from pathlib import PurePosixPath

# The lease. A process may serve a request with what it knows of the live version if it read that
# less than LEASE_SECONDS ago. After its COMMIT, a swap waits until every such lease has ended, and
# half a second more for a read that was slow to arrive, before it reports.
LEASE_SECONDS = 1.0
AFTER_COMMIT_SECONDS = LEASE_SECONDS + 0.5

# The vectors of two runs of one embedding model are closer than this. Below this cosine, an
# endpoint has changed its model under the same name.
SAME_MODEL_COSINE = 0.999

# Exit codes of a Job's pod. Kubernetes fails the Job at once on EXIT_INPUT (podFailurePolicy): the
# input is at fault, and a new pod would fail the same way.
EXIT_INPUT = 42
EXIT_AGAIN = 1

# How long a language model is waited for: so many tries, each within llm.timeoutSeconds, and pauses
# that together are no longer than this. Other replicas wait that long for its answer.
LLM_TRIES = 3
LLM_PAUSE_SECONDS = 10.0

API_PORT = 8000
INTERNAL_PORT = 8001
QUERY_PATH = "/api/rag/query"
WEBHOOKS_PATH = "/api/rag/webhooks/"  # and the source's name

# The stages in which an API pod ends. Together they must be shorter than the grace period, or the
# kubelet kills questions that are being answered. Endpoints drop the pod in the first two stages.
PRE_STOP_SECONDS = 5  # the kubelet waits before it sends SIGTERM
LINGER_SECONDS = 5.0  # after SIGTERM new questions are still answered, while readiness is off
DRAIN_SECONDS = 20  # no new questions are taken; those that have begun are answered
INTERNAL_DRAIN_SECONDS = 2  # then the internal port's replies end
CLOSING_SECONDS = 5  # then counts are written and connections closed
GRACE_PERIOD_SECONDS = 45

# Where pods find what the operator mounts for them, and where a Job's report goes.
DATABASE_URL_FILE = PurePosixPath("/etc/ragwright/database/uri")
CACHE_URL_FILE = PurePosixPath("/etc/ragwright/cache/url")
SETTINGS_FILE = PurePosixPath("/etc/ragwright/settings/settings.json")
ORDER_FILE = PurePosixPath("/etc/ragwright/order/order.json")
SECRETS_FOLDER = PurePosixPath("/etc/ragwright/secrets")
SOURCES_FOLDER = PurePosixPath("/etc/ragwright/sources")
TERMINATION_LOG = PurePosixPath("/dev/termination-log")

# Environment variables. A URL stands in a variable, or in the file that another one names.
DATABASE_URL_ENV = "VECTOR_DB_URL"
DATABASE_URL_FILE_ENV = "VECTOR_DB_URL_FILE"
CACHE_URL_ENV = "REDIS_URL"
CACHE_URL_FILE_ENV = "REDIS_URL_FILE"
# The field of the spec that a store comes from, for messages.
DATABASE_FIELD_ENV = "RAGWRIGHT_DATABASE_FIELD"
CACHE_FIELD_ENV = "RAGWRIGHT_CACHE_FIELD"
SETTINGS_FILE_ENV = "RAGWRIGHT_SETTINGS_FILE"
ORDER_FILE_ENV = "RAGWRIGHT_ORDER_FILE"
TERMINATION_LOG_ENV = "TERMINATION_LOG"


def llm_seconds(timeout_seconds: float) -> float:
    """All tries of a language model together."""
    return LLM_TRIES * timeout_seconds + LLM_PAUSE_SECONDS
