"""What the service is told, and by which file or variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError
from redis.asyncio.connection import parse_url

from ragwright_core.handover import ServeSettings
from ragwright_core.names import (
    CACHE_URL_FILE_ENV,
    DATABASE_URL_FILE_ENV,
    SECRETS_FOLDER,
    SETTINGS_FILE,
)
from ragwright_core.spec import SecretKey

SETTINGS_FILE_ENV = "RAGWRIGHT_SETTINGS_FILE"


class NotMountedError(Exception):
    """A Secret is not mounted, or holds no URL; the message names its place and never its text."""


@dataclass(frozen=True)
class Settings:
    """`database_url` and `cache_url` read their file at each call: a Secret may rotate or appear
    while the process runs. They raise NotMountedError; `cache_url` is None without a cache."""

    serve: ServeSettings
    database_url: Callable[[], str]
    cache_url: Callable[[], str] | None
    secrets: Path = Path(SECRETS_FOLDER)

    @property
    def replica_url(self) -> Callable[[], str] | None:
        """As `database_url`, of the read replicas; None without any."""
        return self._mounted(self.serve.read_only, "database.readOnlySecretRef")

    @property
    def pooled_url(self) -> Callable[[], str] | None:
        """As `database_url`, of a pooler in transaction mode; None without one."""
        return self._mounted(self.serve.pooled, "database.pooledSecretRef")

    def _mounted(self, key: SecretKey | None, group: str) -> Callable[[], str] | None:
        if key is None:
            return None
        file = self.secrets / key.name / key.key
        return lambda: _usable(_read_file(file, group), str(file), _is_database)

    def require(self, key: SecretKey | None) -> None:
        """Raises NotMountedError when a Secret is named and not mounted yet."""
        if key is not None and not (self.secrets / key.name / key.key).is_file():
            raise NotMountedError(
                f"Secret {key.name} has no key {key.key}, or does not exist: create or correct it"
            )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SystemExit in words when the service can never start like this."""
    database = _url(
        environment, "VECTOR_DB_URL", DATABASE_URL_FILE_ENV, "database.secretRef", _is_database
    )
    if database is None:
        raise SystemExit(f"no database is named: set VECTOR_DB_URL or {DATABASE_URL_FILE_ENV}")
    return Settings(
        serve=_serve_settings(Path(environment.get(SETTINGS_FILE_ENV) or SETTINGS_FILE)),
        database_url=database,
        cache_url=_url(environment, "REDIS_URL", CACHE_URL_FILE_ENV, "cache.secretRef", _is_cache),
    )


def _serve_settings(file: Path) -> ServeSettings:
    try:
        return ServeSettings.model_validate_json(file.read_bytes())
    except OSError as error:
        raise SystemExit(
            f"settings cannot be read ({type(error).__name__}): mount the pipeline's ConfigMap "
            f"at {file}, or name another file in {SETTINGS_FILE_ENV}"
        ) from None
    except ValidationError as error:
        raise SystemExit(f"{file} does not fit this release of ragwright-api: {error}") from None


def _url(
    environment: Mapping[str, str],
    variable: str,
    file_variable: str,
    group: str,
    fits: Callable[[str], bool],
) -> Callable[[], str] | None:
    """Reads a URL from a variable, or else from the file that another one names."""
    value, path = environment.get(variable), environment.get(file_variable)
    if not value and not path:
        return None

    def read() -> str:
        url = value or _read_file(Path(path or ""), group)
        return _usable(url, variable if value else str(path), fits)

    return read


def _usable(url: str, named: str, fits: Callable[[str], bool]) -> str:
    """The URL. Raises NotMountedError, which names its place and never shows it."""
    if not url or not fits(url):
        raise NotMountedError(f"{named} holds no URL that can be used")
    return url


def _read_file(path: Path, group: str) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        raise NotMountedError(
            f"{path} is not there: the Secret of {group} is missing, or lacks the key"
        ) from None


def _is_database(url: str) -> bool:
    # Checked here, because what libpq says of a bad URL repeats it, password and all.
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    return True


def _is_cache(url: str) -> bool:
    try:
        parse_url(url)
    except ValueError:
        return False
    return True
