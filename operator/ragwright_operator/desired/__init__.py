"""Manifests: functions that return dicts, one file per component. Pure."""
