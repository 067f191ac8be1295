"""Manifests: functions that return dicts, one file per kind. Pure."""
