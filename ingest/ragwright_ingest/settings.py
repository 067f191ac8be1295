"""What a Job is told: its order, and where the stores are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ragwright_core.names import CACHE_URL_FILE_ENV, DATABASE_URL_FILE_ENV
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason

# A Secret or ConfigMap that is made together with the pipeline shows up within seconds. One that is
# made later would within 81 s (measured), but a person should read what is missing before that, and
# the next attempt's pods mount it at once.
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Stores:
    """Connection URLs. Never printed: they hold passwords."""

    database_url: str
    redis_url: str | None

    def __repr__(self) -> str:
        return "Stores(...)"


def read_stores(
    environment: Mapping[str, str],
    *,
    patience: float = PATIENCE_SECONDS,
    pause: Callable[[float], None] = time.sleep,
) -> Stores:
    """URLs from the environment or from mounted Secrets; the database's is waited for.

    Raises ProblemError(SECRET_MISSING) naming the file.
    """
    database = environment.get("VECTOR_DB_URL")
    if not database and (file := environment.get(DATABASE_URL_FILE_ENV)):
        database = read_secret(
            Path(file),
            f"the database's URL ({file}) is missing: create the Secret of database.secretRef, or "
            "correct its name and key",
            patience=patience,
            pause=pause,
        )
    if not database:
        raise ProblemError(
            Reason.SECRET_MISSING,
            f"no database is named: set VECTOR_DB_URL, or {DATABASE_URL_FILE_ENV} to a file",
        )
    redis = environment.get("REDIS_URL")
    if not redis and (file := environment.get(CACHE_URL_FILE_ENV)):
        # A build without its cache is slower, not wrong.
        redis = Path(file).read_text().strip() if Path(file).exists() else None
    return Stores(database, redis or None)


def read_secret(
    file: Path,
    missing: str,
    *,
    patience: float = PATIENCE_SECONDS,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """A mounted Secret's value, waited for. Raises ProblemError(SECRET_MISSING, `missing`)."""
    ends_at = time.monotonic() + patience
    while True:
        try:
            return file.read_text().strip()
        except FileNotFoundError:
            if time.monotonic() >= ends_at:
                raise ProblemError(Reason.SECRET_MISSING, missing) from None
        pause(1.0)
