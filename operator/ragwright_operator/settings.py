"""What the operator is told at start, by environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """A variable has a value that cannot be used; the message names it."""


@dataclass(frozen=True)
class Images:
    """Images of the pods that the operator makes."""

    ragwright: str
    postgres: str
    redis: str
    pull_policy: str


@dataclass(frozen=True)
class Settings:
    images: Images
    namespaces: tuple[str, ...]
    resync_seconds: float
    log_level: str


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError."""
    image = environment.get("RAGWRIGHT_IMAGE", "")
    if not image:
        raise SettingsError("RAGWRIGHT_IMAGE is not set: name the image that pods are made from")
    return Settings(
        images=Images(
            ragwright=image,
            postgres=environment.get("RAGWRIGHT_POSTGRES_IMAGE", "pgvector/pgvector:pg18"),
            redis=environment.get("RAGWRIGHT_REDIS_IMAGE", "valkey/valkey:9"),
            pull_policy=_choice(environment, "RAGWRIGHT_IMAGE_PULL_POLICY", PULL_POLICIES, 1),
        ),
        namespaces=tuple(
            name.strip()
            for name in environment.get("RAGWRIGHT_WATCH_NAMESPACES", "").split(",")
            if name.strip()
        ),
        resync_seconds=_seconds(environment, "RAGWRIGHT_RESYNC_SECONDS", 30),
        log_level=_choice(environment, "RAGWRIGHT_LOG_LEVEL", LOG_LEVELS, 1),
    )


def _choice(
    environment: Mapping[str, str], name: str, choices: tuple[str, ...], default: int
) -> str:
    value = environment.get(name) or choices[default]
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}: write one of {', '.join(choices)}")
    return value


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 3600:
        raise SettingsError(f"{name} is {text!r}: write seconds between 1 and 3600")
    return value
