from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from ragwright_operator.settings import Allowed, SettingsError, read_settings

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
            "RAGWRIGHT_HTTPS_PROXY": "http://proxy.example:3128",
            "RAGWRIGHT_NO_PROXY": ".svc, 10.0.0.0/8",
            "RAGWRIGHT_ALLOWED_IMAGES": "mirror.example/*",
            "RAGWRIGHT_ALLOWED_POD_ANNOTATIONS": "example.com/*",
            "RAGWRIGHT_POD_TEMPLATE": '{"nodeSelector": {"pool": "rag"}}',
        }
    )
    assert settings.allowed == Allowed(("mirror.example/*",), ("example.com/*",))
    assert settings.pods.node_selector == {"pool": "rag"}
    assert settings.outside.https_proxy == "http://proxy.example:3128"
    assert settings.outside.no_proxy == [".svc", "10.0.0.0/8"]
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
        ("RAGWRIGHT_HTTPS_PROXY", "proxy.example:3128"),
        ("RAGWRIGHT_HTTP_PROXY", "http://me:secret@proxy.example:3128"),
        ("RAGWRIGHT_CA_FILE", "/missing"),
        ("RAGWRIGHT_POD_TEMPLATE", '{"hostNetwork": true}'),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({**GOOD, name: value})


CA = {**GOOD, "RAGWRIGHT_CA_FILE": "/etc/ca.crt"}


def test_authorities_are_taken_and_nothing_else_of_their_file() -> None:
    written = Path(certifi.where()).read_text()
    first = written[written.index("-----BEGIN") : written.index("-----END CERTIFICATE-----") + 25]
    key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    settings = read_settings(CA, lambda _: f"# ours\n{key}{first}\n{first}\n")
    assert settings.outside.ca_bundle == f"{first}\n{first}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "holds no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----", "cannot be read"),
        (Path(certifi.where()).read_text(), "name your own authorities alone"),
    ],
)
def test_a_file_without_usable_authorities_stops_the_start(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_settings(CA, lambda _: text)
