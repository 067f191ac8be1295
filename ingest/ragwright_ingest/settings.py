"""A Job's settings: the URLs of the stores and other mounted Secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from ragwright_core.contract import DATABASE_URL_ENV, DATABASE_URL_FILE_ENV
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.stores import (
    PERCENT_ENCODE,
    NotMountedError,
    StoreUrl,
    UnusableUrlError,
    cache_url,
    database_url,
    redis_client,
)

# A Secret or ConfigMap that is made together with the pipeline appears within seconds. One that is
# made later would appear within 81 s (measured), but a person should read what is missing before
# that, and the next attempt's pods mount it at once.
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Stores:
    """Connection URLs that can be used. They hold passwords and are never printed. `warnings` says
    why there is no cache although one was named."""

    database_url: str
    redis_url: str | None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Stores(...)"

    def cache(self) -> redis.Redis | None:
        return redis_client(self.redis_url) if self.redis_url else None


def read_stores(
    environment: Mapping[str, str],
    *,
    patience: float = PATIENCE_SECONDS,
    pause: Callable[[float], None] = time.sleep,
) -> Stores:
    """URLs from the environment or from mounted Secrets, after waiting for the database's. Raises
    ProblemError: SECRET_MISSING, or DATABASE_UNAVAILABLE if the Secret holds no URL. A cache that
    cannot be used is only a warning, because a build without it is slower but not wrong."""
    database, cache = database_url(environment), cache_url(environment)
    if database is None:
        raise ProblemError(
            Reason.SECRET_MISSING,
            f"no database is named: set {DATABASE_URL_ENV}, or {DATABASE_URL_FILE_ENV} to a file",
        )
    url = _awaited(database, patience, pause)
    if cache is None:
        return Stores(url, None)
    try:
        return Stores(url, cache())
    except NotMountedError as error:
        return Stores(url, None, (f"the cache was not used: {error}",))


def _awaited(database: StoreUrl, patience: float, pause: Callable[[float], None]) -> str:
    ends_at = time.monotonic() + patience
    while True:
        try:
            return database()
        except UnusableUrlError:
            raise ProblemError(
                Reason.DATABASE_UNAVAILABLE,
                f"the database cannot be reached: {database.place} is not a valid postgresql:// "
                f"URI. Check the Secret in {database.group}: {PERCENT_ENCODE}",
            ) from None
        except NotMountedError as error:
            if time.monotonic() >= ends_at:
                raise ProblemError(Reason.SECRET_MISSING, str(error)) from None
        pause(1.0)


def read_secret(
    file: Path,
    missing: str,
    *,
    patience: float = PATIENCE_SECONDS,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Wait for a mounted Secret's value. Raises ProblemError(SECRET_MISSING, `missing`)."""
    ends_at = time.monotonic() + patience
    while True:
        try:
            return file.read_text().strip()
        except FileNotFoundError:
            if time.monotonic() >= ends_at:
                raise ProblemError(Reason.SECRET_MISSING, missing) from None
        pause(1.0)
