"""What the service is told, and by which file or variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ragwright_core.handover import ServeSettings
from ragwright_core.names import (
    CACHE_URL_FILE_ENV,
    DATABASE_URL_FILE_ENV,
    SECRETS_FOLDER,
    SETTINGS_FILE,
)

SETTINGS_FILE_ENV = "RAGWRIGHT_SETTINGS_FILE"


class UrlMissingError(Exception):
    """A store's URL is not there yet; the message names the file and what should hold it."""


@dataclass(frozen=True)
class Settings:
    """`database_url` and `cache_url` read their file at each call: a Secret may rotate or appear
    while the process runs. They raise UrlMissingError; `cache_url` is None without a cache."""

    serve: ServeSettings
    database_url: Callable[[], str]
    cache_url: Callable[[], str] | None
    secrets: Path = Path(SECRETS_FOLDER)


def read_settings(environment: Mapping[str, str]) -> Settings:
    file = Path(environment.get(SETTINGS_FILE_ENV, str(SETTINGS_FILE)))
    database = _url(environment, "VECTOR_DB_URL", DATABASE_URL_FILE_ENV, "database.secretRef")
    if database is None:
        raise SystemExit(f"no database is named: set VECTOR_DB_URL or {DATABASE_URL_FILE_ENV}")
    return Settings(
        serve=ServeSettings.model_validate_json(file.read_bytes()),
        database_url=database,
        cache_url=_url(environment, "REDIS_URL", CACHE_URL_FILE_ENV, "cache.secretRef"),
    )


def _url(
    environment: Mapping[str, str], variable: str, file_variable: str, group: str
) -> Callable[[], str] | None:
    if value := environment.get(variable):
        return lambda: value
    if not (path := environment.get(file_variable)):
        return None

    def read() -> str:
        try:
            return Path(path).read_text().strip()
        except FileNotFoundError:
            raise UrlMissingError(
                f"{path} is not there: the Secret in {group} is missing, or lacks the key"
            ) from None

    return read
