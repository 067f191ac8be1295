"""The operator's settings."""

from __future__ import annotations

from ragwright_operator.settings.read import SettingsError, read_departure, read_settings
from ragwright_operator.settings.site import (
    ANYTHING,
    NO_DEFAULTS,
    Allowed,
    Departure,
    Images,
    PodDefaults,
    PullSecret,
    Settings,
    Site,
    site_of,
)

__all__ = [
    "ANYTHING",
    "NO_DEFAULTS",
    "Allowed",
    "Departure",
    "Images",
    "PodDefaults",
    "PullSecret",
    "Settings",
    "SettingsError",
    "Site",
    "read_departure",
    "read_settings",
    "site_of",
]
