"""The peers' default hybrid retrieval, run by a Python of its own with requirements.txt beside.

Everyone is given the same chunks and the same vectors: what is compared is retrieval.
"""

from __future__ import annotations
