"""Annotations that the operator writes on its objects and reads in later rounds."""

from __future__ import annotations

from ragwright_core.spec import GROUP

APPLIED = f"{GROUP}/applied"  # hash of the manifest that was applied last
SETTINGS = f"{GROUP}/settings"  # hash of a server's files: a change restarts its pods
RESTARTED = f"{GROUP}/secret-made-anew"  # when a server's Secret was made again
NOTE = f"{GROUP}/note"  # what a Job was made for
