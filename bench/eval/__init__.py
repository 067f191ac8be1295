"""`make eval CORPUS=dir QUESTIONS=file`: retrieval quality, ours and the peers', in one run."""

from __future__ import annotations
