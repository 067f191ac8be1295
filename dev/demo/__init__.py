"""`make demo`: the whole loop on a real Kubernetes, judged from the text of the answers."""

from __future__ import annotations
