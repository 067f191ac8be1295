"""Where the documents are, and how they are cut."""

from __future__ import annotations

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.spec.fields import Glob, HttpUrl, ObjectName, rule, rules


class GitSecret(Model):
    """A Secret with the keys `username` and `password` (a token serves as password)."""

    name: ObjectName


class Git(Model):
    url: HttpUrl = Field(description="http(s) URL without credentials; those go into secretRef.")
    ref: str = Field("HEAD", min_length=1, max_length=200, description="Branch, tag or commit.")
    path: str = Field("", max_length=500, description="Only documents below this folder.")
    secret_ref: GitSecret | None = None


class ConfigMapSource(Model):
    name: ObjectName


class Source(Model):
    model_config = rules(
        rule(
            "has(self.git) != has(self.configMap)",
            "a source is either git or configMap: write exactly one of them",
        )
    )

    name: str = Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40)
    git: Git | None = None
    config_map: ConfigMapSource | None = None
    include: list[Glob] = Field(
        default=["**/*.md", "**/*.rst", "**/*.txt"],
        min_length=1,
        max_length=50,
        description="Globs, relative to the source's path; `**` crosses folders.",
    )
    exclude: list[Glob] = Field(default=[], max_length=50)


class Chunking(Model):
    model_config = rules(
        rule(
            "self.overlapCharacters * 2 <= self.maxCharacters",
            "overlapCharacters must be at most half of maxCharacters",
        )
    )

    max_characters: int = Field(1000, ge=100, le=8000, description="Longest chunk, in characters.")
    overlap_characters: int = Field(0, ge=0, le=4000)
    max_tokens: int | None = Field(
        None,
        ge=16,
        le=2000,
        description="Longest chunk, in tokens of an embedded model; both limits hold. Default: 200 "
        "for minilm, which reads no more than 256, else none.",
    )
