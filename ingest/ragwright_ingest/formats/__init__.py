"""The formats of documents. Each format is a module in this package that defines FORMAT."""

from __future__ import annotations
