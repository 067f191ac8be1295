"""Where the service learns of its stores, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragwright_api.settings import Settings, read_settings
from ragwright_core.names import Identity
from ragwright_core.serving import ServeSettings
from ragwright_core.spec import Cache, Llm, Retrieval, SecretKey
from ragwright_core.stores import NotMountedError

SERVE = ServeSettings(
    pipeline=Identity(namespace="n", name="p", uid="u", cluster="c"),
    llm=Llm(),
    retrieval=Retrieval(),
    cache=Cache(),
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "settings.json"
    file.write_text(SERVE.model_dump_json())
    return {"RAGWRIGHT_SETTINGS_FILE": str(file), "VECTOR_DB_URL": "postgresql://h/db"}


def test_variables_name_the_stores(environment: dict[str, str]) -> None:
    settings = read_settings({**environment, "REDIS_URL": "redis://h/0"})
    assert settings.serve == SERVE
    assert settings.database_url() == "postgresql://h/db"
    assert settings.cache_url
    assert settings.cache_url() == "redis://h/0"


def test_a_cache_is_optional(environment: dict[str, str]) -> None:
    assert read_settings(environment).cache_url is None


def test_a_file_is_read_at_each_call_so_that_a_secret_may_appear_and_rotate(
    environment: dict[str, str], tmp_path: Path
) -> None:
    del environment["VECTOR_DB_URL"]
    file = tmp_path / "uri"
    settings = read_settings({**environment, "VECTOR_DB_URL_FILE": str(file)})
    with pytest.raises(NotMountedError, match=r"not there: the Secret of database.secretKeyR"):
        settings.database_url()
    file.write_text("postgresql://one/db\n")
    assert settings.database_url() == "postgresql://one/db"
    file.write_text("postgresql://two/db\n")
    assert settings.database_url() == "postgresql://two/db"


@pytest.mark.parametrize("variable", ["VECTOR_DB_URL", "REDIS_URL"])
@pytest.mark.parametrize("url", ["nonsense//user:hunter2@host", "redis://:hunter2@h:0x/", "%zz"])
def test_a_url_that_is_none_is_said_without_repeating_it(
    environment: dict[str, str], variable: str, url: str
) -> None:
    settings = read_settings({**environment, variable: url})
    read = settings.database_url if variable == "VECTOR_DB_URL" else settings.cache_url
    assert read
    with pytest.raises(NotMountedError) as caught:
        read()
    assert str(caught.value).startswith(f"{variable} holds no URL that can be used")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_it_says_what_is_missing_to_start_at_all(environment: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="set VECTOR_DB_URL or VECTOR_DB_URL_FILE"):
        read_settings({"RAGWRIGHT_SETTINGS_FILE": environment["RAGWRIGHT_SETTINGS_FILE"]})
    with pytest.raises(SystemExit, match=r"mount the pipeline's ConfigMap at /etc/ragwright"):
        read_settings({"VECTOR_DB_URL": "postgresql://h/db"})
    Path(environment["RAGWRIGHT_SETTINGS_FILE"]).write_text("{}")
    with pytest.raises(SystemExit, match="does not fit this release"):
        read_settings(environment)


def test_a_named_secret_is_required_by_file(tmp_path: Path) -> None:
    settings = Settings(SERVE, str, None, secrets=tmp_path)
    settings.require(None)
    key = SecretKey(name="llm", key="api-key")
    with pytest.raises(NotMountedError, match="Secret llm has no key api-key"):
        settings.require(key)
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm" / "api-key").write_text("k")
    settings.require(key)
