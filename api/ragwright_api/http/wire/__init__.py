"""What stands between the bytes of a connection and the routes: bounds, bodies, and callers who
hang up."""

from __future__ import annotations
