"""The service's settings, and the files and variables that they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ragwright_core import stores
from ragwright_core.contract import (
    DATABASE_URL_ENV,
    DATABASE_URL_FILE_ENV,
    SECRETS_FOLDER,
    SETTINGS_FILE,
    SETTINGS_FILE_ENV,
)
from ragwright_core.model import Paths, in_words
from ragwright_core.serving import ServeSettings
from ragwright_core.spec import SecretKey
from ragwright_core.stores import NotMountedError


@dataclass(frozen=True)
class Settings:
    """`database_url` and `cache_url` read their file at each call, because a Secret may rotate or
    appear while the process runs. They raise NotMountedError. `cache_url` is None without a cache.
    `ignored` are fields of the settings file that this release does not know or cannot use."""

    serve: ServeSettings
    database_url: Callable[[], str]
    cache_url: Callable[[], str] | None
    secrets: Path = Path(SECRETS_FOLDER)
    ignored: Paths = ()

    @property
    def replica_url(self) -> Callable[[], str] | None:
        """Like `database_url`, but for the read replicas; None without any."""
        return self._mounted(self.serve.read_only, "database.readOnlySecretKeyRef")

    @property
    def pooled_url(self) -> Callable[[], str] | None:
        """Like `database_url`, but for a pooler in transaction mode; None without one."""
        return self._mounted(self.serve.pooled, "database.pooledSecretKeyRef")

    def token(self) -> str | None:
        """The token with which a caller may empty the caches at any time; None without any."""
        key = self.serve.cache.token_secret_key_ref
        return None if key is None else self.secret(key)

    def secret(self, key: SecretKey) -> str | None:
        """A Secret's value at this moment; None while there is none."""
        try:
            return (self.secrets / key.name / key.key).read_text().strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def _mounted(self, key: SecretKey | None, group: str) -> Callable[[], str] | None:
        if key is None:
            return None
        return stores.mounted_database(self.secrets / key.name / key.key, group)

    def require(self, key: SecretKey | None) -> None:
        """Raises NotMountedError if a Secret is named but not mounted yet."""
        if key is not None and not (self.secrets / key.name / key.key).is_file():
            raise NotMountedError(
                f"Secret {key.name} has no key {key.key}, or does not exist: create or correct it"
            )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SystemExit with a message if the service can never start with these settings."""
    database = stores.database_url(environment)
    if database is None:
        raise SystemExit(f"no database is named: set {DATABASE_URL_ENV} or {DATABASE_URL_FILE_ENV}")
    serve, ignored = _serve_settings(Path(environment.get(SETTINGS_FILE_ENV) or SETTINGS_FILE))
    return Settings(
        serve=serve,
        ignored=ignored,
        database_url=database,
        cache_url=stores.cache_url(environment),
    )


def _serve_settings(file: Path) -> tuple[ServeSettings, Paths]:
    """Read as much as possible of a file of another release, so that questions are answered."""
    try:
        return ServeSettings.read_what_fits(file.read_bytes())
    except OSError as error:
        raise SystemExit(
            f"settings cannot be read ({type(error).__name__}): mount the pipeline's ConfigMap "
            f"at {file}, or name another file in {SETTINGS_FILE_ENV}"
        ) from None
    except ValidationError as error:
        raise SystemExit(
            f"{file} does not fit this release of ragwright-api: {in_words(error)}"
        ) from None
    except ValueError:
        raise SystemExit(f"{file} is no JSON: mount the pipeline's ConfigMap there") from None
