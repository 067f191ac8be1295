"""Markdown and MDX, with the front matter whose fields filters can use."""

from __future__ import annotations

import re

from semantic_text_splitter import MarkdownSplitter

from ragwright_ingest.formats import frontmatter
from ragwright_ingest.formats.base import Format, Parsed
from ragwright_ingest.formats.lines import by_line, decoded, title

_TITLES = (
    re.compile(r"\A---\r?\n(?:.*\n)*?title:[ \t]*(?P<title>\S.*)\n(?:.*\n)*?---"),
    re.compile(r"^#{1,2}[ \t]+(?P<title>.+?)[ \t]*#*\r?$", re.MULTILINE),
    re.compile(r"^(?P<title>\w.*)\n[=-]{3,}\s*$", re.MULTILINE),
)


def read(path: str, content: bytes) -> Parsed:
    text = decoded(content)
    fields = frontmatter.fields(text)
    return Parsed(FORMAT, text, title(path, text, _TITLES), by_line(text), fields)


FORMAT = Format("markdown", (".md", ".mdx", ".markdown"), read, MarkdownSplitter)
