from __future__ import annotations

import pytest

from ragwright_operator.settings import SettingsError, read_settings

GOOD = {
    "RAGWRIGHT_IMAGE": "registry.example/ragwright:1",
    "RAGWRIGHT_POSTGRES_IMAGE": "postgres:1",
    "RAGWRIGHT_REDIS_IMAGE": "redis:1",
}


def test_defaults() -> None:
    settings = read_settings(GOOD)
    assert settings.images.pull_policy == "IfNotPresent"
    assert (settings.resync_seconds, settings.log_level, settings.namespaces) == (30, "INFO", ())
    assert settings.allowed_hosts == ()


def test_everything_can_be_set() -> None:
    settings = read_settings(
        {
            **GOOD,
            "RAGWRIGHT_POSTGRES_IMAGE": "p",
            "RAGWRIGHT_REDIS_IMAGE": "r",
            "RAGWRIGHT_IMAGE_PULL_POLICY": "Always",
            "RAGWRIGHT_WATCH_NAMESPACES": "a, b,",
            "RAGWRIGHT_ALLOWED_HOSTS": "api.openai.com,*.models.svc, 10.0.0.0/8,fd00::/8",
            "RAGWRIGHT_RESYNC_SECONDS": "5",
            "RAGWRIGHT_LOG_LEVEL": "DEBUG",
            "RAGWRIGHT_ASSIGN_UIDS": "false",
        }
    )
    assert settings.namespaces == ("a", "b")
    assert settings.allowed_hosts == ("api.openai.com", "*.models.svc", "10.0.0.0/8", "fd00::/8")
    assert settings.images.assign_uids is False
    assert (settings.images.postgres, settings.images.redis) == ("p", "r")
    assert (settings.resync_seconds, settings.log_level) == (5, "DEBUG")
    assert settings.images.pull_policy == "Always"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAGWRIGHT_IMAGE", ""),
        ("RAGWRIGHT_POSTGRES_IMAGE", ""),
        ("RAGWRIGHT_REDIS_IMAGE", ""),
        ("RAGWRIGHT_IMAGE_PULL_POLICY", "Sometimes"),
        ("RAGWRIGHT_RESYNC_SECONDS", "soon"),
        ("RAGWRIGHT_RESYNC_SECONDS", "0"),
        ("RAGWRIGHT_LOG_LEVEL", "LOUD"),
        ("RAGWRIGHT_ALLOWED_HOSTS", "10.0.0.0/33"),
        ("RAGWRIGHT_ALLOWED_HOSTS", "https://api.openai.com/v1"),
        ("RAGWRIGHT_ALLOWED_HOSTS", "*"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({**GOOD, name: value})
