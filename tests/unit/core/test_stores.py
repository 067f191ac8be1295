"""One reader of URLs for all: what cannot be used is named by its place, and never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ragwright_core import stores
from ragwright_core.stores import NotMountedError, StoreUrl, UnusableUrlError

SECRET = "hun/ter2"
Named = Callable[[Mapping[str, str]], StoreUrl | None]

BAD_CACHES = [
    f"redis://:{SECRET}@h:6379/0",  # a password in base64 holds slashes
    f"redis://:x@h:{SECRET}/0",
    f"http://:{SECRET}@h",
    f"{SECRET}",
    f"redis://[{SECRET}",
    f"redis://h/0?{SECRET}=1",
    f"redis://h/0?passwrd={SECRET}",
    f"redis://h/0?db={SECRET}",
    "%zz",
]
BAD_DATABASES = [
    f"user:{SECRET}@h/db",
    f"postgresql://h/db?passwrd={SECRET}",
    f"postgresql://u:{SECRET}@h:port/db",
    "postgresql://u:hun@ter2@h/db",
    f"http://{SECRET}",
]


@pytest.mark.parametrize("url", BAD_CACHES)
@pytest.mark.parametrize("in_file", [True, False])
def test_a_bad_cache_url_is_told_by_its_place(url: str, tmp_path: Path, *, in_file: bool) -> None:
    assert_refused(stores.cache_url, "REDIS_URL", url, tmp_path if in_file else None)


@pytest.mark.parametrize("url", BAD_DATABASES)
@pytest.mark.parametrize("in_file", [True, False])
def test_a_bad_database_url_is_told_by_its_place(
    url: str, tmp_path: Path, *, in_file: bool
) -> None:
    assert_refused(stores.database_url, "VECTOR_DB_URL", url, tmp_path if in_file else None)


def assert_refused(named: Named, variable: str, url: str, folder: Path | None) -> None:
    place, environment = variable, {variable: url}
    if folder:
        place = str(folder / "url")
        Path(place).write_text(url)
        environment = {f"{variable}_FILE": place}
    store = named(environment)
    assert store is not None
    with pytest.raises(UnusableUrlError) as caught:
        store()
    told = f"{place} holds no URL that can be used: {stores.PERCENT_ENCODE}"
    assert str(caught.value) == told
    assert caught.value.__context__ is None, "not even behind it"
    assert "ter2" not in repr(store)


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://:hun%2Fter2@h:6379/0",
        "rediss://u:p@h:6380/1",
        "unix:///tmp/redis.sock?db=1",
        "redis://h/0?password=hunter3",
    ],
)
def test_good_cache_urls_are_good_for_both_clients(url: str) -> None:
    store = stores.cache_url({"REDIS_URL": url})
    assert store is not None
    assert store() == url
    stores.redis_client(url).close()
    asyncio.run(stores.async_redis_client(url).aclose())


def test_a_file_may_come_later_and_rotate(tmp_path: Path) -> None:
    store = stores.mounted_database(tmp_path / "uri", "database.readOnlySecretKeyRef")
    with pytest.raises(NotMountedError, match=r"database.readOnlySecretKeyRef is missing"):
        store()
    for url in ("postgresql://one/db", "host=two dbname=db"):
        (tmp_path / "uri").write_text(f"{url}\n")
        assert store() == url
    (tmp_path / "uri").write_bytes(b"\xff\xfe")
    with pytest.raises(NotMountedError):
        store()


def test_nothing_named_is_nothing() -> None:
    assert stores.database_url({"VECTOR_DB_URL": ""}) is None
    assert stores.cache_url({}) is None


@pytest.mark.parametrize(
    ("field", "cure"),
    [
        ("database.managed", "the operator makes it anew where it is deleted"),
        ("database.secretKeyRef", "create or correct it"),
    ],
)
def test_a_missing_secret_is_told_by_the_field_it_comes_from(field: str, cure: str) -> None:
    environment = {"VECTOR_DB_URL_FILE": "/nowhere/uri", "RAGWRIGHT_DATABASE_FIELD": field}
    url = stores.database_url(environment)
    assert url is not None
    with pytest.raises(stores.NotMountedError, match=f"the Secret of {field} is missing.*{cure}"):
        url()
