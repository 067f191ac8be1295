"""The only module that reads the stores' URLs, and the only one that makes Redis clients.

A URL holds a password, and a library's message about a bad URL may repeat a part of it. So each URL
is checked here before it is used, and messages name only the place where the URL is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
import redis.asyncio
import redis.asyncio.retry
import redis.retry
from psycopg.conninfo import conninfo_to_dict
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from ragwright_core.contract import (
    CACHE_FIELD_ENV,
    CACHE_URL_ENV,
    CACHE_URL_FILE_ENV,
    DATABASE_FIELD_ENV,
    DATABASE_URL_ENV,
    DATABASE_URL_FILE_ENV,
)

PERCENT_ENCODE = "percent-encode @, / and % in its password (%40, %2F, %25)"


class NotMountedError(Exception):
    """A Secret is not mounted, or its content cannot be used. The message names the place, and
    never the content."""


class UnusableUrlError(NotMountedError):
    """A Secret is mounted, but holds no URL that can be used: waiting does not help."""


@dataclass(frozen=True)
class StoreUrl:
    """A call returns the URL or raises NotMountedError. A file is read at each call, because a
    Secret may appear or rotate while a process runs. `place` is a variable or a file; `group` is
    the field of the spec that names the Secret, or by which the operator makes it."""

    place: str
    group: str
    is_usable: Callable[[str], bool]
    value: str | None = field(default=None, repr=False)

    def __call__(self) -> str:
        url = self.value or self._read()
        if not url or not self.is_usable(url):
            raise UnusableUrlError(f"{self.place} holds no URL that can be used: {PERCENT_ENCODE}")
        return url

    def _read(self) -> str:
        try:
            return Path(self.place).read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise NotMountedError(
                f"{self.place} is not there: the Secret of {self.group} is missing, or lacks the "
                f"key; {self._cure}"
            ) from None

    @property
    def _cure(self) -> str:
        if self.group.endswith(".managed"):
            return "the operator makes it anew where it is deleted"
        return "create or correct it"


def database_url(environment: Mapping[str, str]) -> StoreUrl | None:
    """The database's URL, or None if the environment names no database."""
    variables = DATABASE_URL_ENV, DATABASE_URL_FILE_ENV
    group = environment.get(DATABASE_FIELD_ENV, "database.secretKeyRef")
    return _named(environment, *variables, group, _is_database)


def cache_url(environment: Mapping[str, str]) -> StoreUrl | None:
    """The cache's URL, or None if the environment names no cache."""
    group = environment.get(CACHE_FIELD_ENV, "cache.secretKeyRef")
    return _named(environment, CACHE_URL_ENV, CACHE_URL_FILE_ENV, group, _is_cache)


def mounted_database(file: Path, group: str) -> StoreUrl:
    return StoreUrl(str(file), group, _is_database)


def _named(
    environment: Mapping[str, str],
    variable: str,
    file_variable: str,
    group: str,
    is_usable: Callable[[str], bool],
) -> StoreUrl | None:
    """The URL from a variable, or else from the file that another variable names."""
    if value := environment.get(variable):
        return StoreUrl(variable, group, is_usable, value)
    if file := environment.get(file_variable):
        return StoreUrl(file, group, is_usable)
    return None


def _is_database(url: str) -> bool:
    try:
        read = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    ports, host = str(read.get("port") or ""), str(read.get("host") or "")
    # With a slash in the password, libpq takes the password's start for the port, and would repeat
    # it in an error.
    # With an @ in the password, libpq takes the rest of the password for the host's beginning.
    return "@" not in host and all(port.isdecimal() for port in ports.split(",") if port)


def _is_cache(url: str) -> bool:
    """Whether redis-py accepts the URL. It checks the parameters only when it makes a
    connection."""
    try:
        redis.ConnectionPool.from_url(url).make_connection()
    except Exception:  # of several libraries, and each message holds a part of the URL
        return False
    return True


def redis_client(url: str) -> redis.Redis:
    """A client for a Job. `url` comes from StoreUrl, which has checked it."""
    retry = redis.retry.Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, retry=retry, **_options(2.0))


def async_redis_client(
    url: str, pool: type[redis.asyncio.ConnectionPool] = redis.asyncio.ConnectionPool
) -> redis.asyncio.Redis:
    """A client for the API, with a short time limit. `url` comes from StoreUrl."""
    retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
    return redis.asyncio.Redis.from_pool(pool.from_url(url, retry=retry, **_options(1.0)))


def _options(seconds: float) -> dict[str, Any]:
    """Options without redis-py's own retries, which turn 50 ms into 3.5 s (measured)."""
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
