"""What an index version is: its tables and indexes, its states, and what its rows hold."""

from __future__ import annotations
