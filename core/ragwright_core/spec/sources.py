"""Where the documents are, and how they are cut."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Self, get_args

from pydantic import ConfigDict, Field, model_validator

from ragwright_core.model import Model
from ragwright_core.spec.fields import (
    Glob,
    Matching,
    ObjectName,
    SecretKey,
    rule,
    rules,
)

MAX_SOURCES = 20
MAX_GLOBS = 20
INCLUDED = ("**/*.md", "**/*.mdx", "**/*.rst", "**/*.txt")
# The default before MDX was in it. It stands for the default in fingerprints, so that an upgrade
# builds no index anew: a source takes its MDX pages in with its next build.
_INCLUDED_FIRST = ["**/*.md", "**/*.rst", "**/*.txt"]

SourceName = Annotated[
    str,
    Field(max_length=40),
    Matching(
        "[a-z]([-a-z0-9]*[a-z0-9])?",
        "a source's name begins with a letter and holds only a-z, 0-9 and -",
    ),
]


class SourceKind(Model):
    """A kind of source. Only its class knows what the kind needs.

    A new kind is a subclass here with a field in Source, and a module of ingest's `sources`.
    """

    @abstractmethod
    def shape(self) -> dict[str, Any]:
        """The values that shape the index: all but credentials. The keys are written out, so that
        no index is rebuilt when a field is renamed or added."""

    def secret_keys(self) -> list[SecretKey]:
        """Keys of Secrets that its Jobs read."""
        return []

    def volume(self) -> dict[str, Any] | None:
        """The Kubernetes volume, without its name, that Jobs find mounted at the source's
        folder."""
        return None

    def config_maps(self) -> list[str]:
        """ConfigMaps whose change is a change of its documents."""
        return []


# A ? or # would turn the paths that git asks for into parts of a question to any server.
GitUrl = Annotated[
    str,
    Field(max_length=500),
    Matching(
        r"https?://[^\s@?#]+",
        "write a URL that begins with http:// or https://, without ? and #, without spaces and "
        "without credentials: those go into git.secretRef",
    ),
]


class GitSecret(Model):
    """A Secret with the keys `username` and `password` (a token serves as password)."""

    name: ObjectName


class Git(SourceKind):
    url: GitUrl = Field(description="http(s) URL without credentials; those go into secretRef.")
    ref: str = Field("HEAD", min_length=1, max_length=200, description="Branch, tag or commit.")
    path: str = Field("", max_length=500, description="Only documents below this folder.")
    secret_ref: GitSecret | None = None

    def shape(self) -> dict[str, Any]:
        return {"url": self.url, "ref": self.ref, "path": self.path}

    def secret_keys(self) -> list[SecretKey]:
        if self.secret_ref is None:
            return []
        return [SecretKey(name=self.secret_ref.name, key=key) for key in ("username", "password")]


class ConfigMapSource(SourceKind):
    name: ObjectName

    def shape(self) -> dict[str, Any]:
        return {"name": self.name}

    def volume(self) -> dict[str, Any]:
        return {"configMap": {"name": self.name, "optional": True}}

    def config_maps(self) -> list[str]:
        return [self.name]


class Webhook(Model):
    """Lets whoever knows a Secret's value say that the documents have changed, at
    `/api/rag/webhooks/<source>` of the pipeline's API."""

    secret_key_ref: SecretKey = Field(
        description="What GitHub, Gitea and Bitbucket call the secret, GitLab the secret token; "
        "for Standard Webhooks it begins with whsec_."
    )


_WATCHED = "a ConfigMap is watched: leave out webhook"


def _checks(schema: dict[str, Any], model: type[Source]) -> None:
    """Add the rule that exactly one kind is given, made from the existing kinds, and that on
    webhooks."""
    given = " + ".join(f"(has(self.{kind}) ? 1 : 0)" for kind in model.kinds())
    schema["x-kubernetes-validations"] = [
        rule(f"{given} == 1", model.choice()),
        rule("!has(self.webhook) || !has(self.configMap)", _WATCHED),
    ]


class Source(Model):
    # Each field whose type is a SourceKind is a kind of source.
    model_config = ConfigDict(json_schema_extra=_checks)

    name: SourceName
    git: Git | None = None
    config_map: ConfigMapSource | None = None
    include: list[Glob] = Field(
        default=list(INCLUDED),
        min_length=1,
        max_length=MAX_GLOBS,
        description="Globs, relative to the source's path; `**` crosses folders. For more than 20, "
        "write a second source.",
    )
    exclude: list[Glob] = Field(default=[], max_length=MAX_GLOBS)
    webhook: Webhook | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError(self.choice())
        if self.webhook and self.config_maps():
            raise ValueError(_WATCHED)
        return self

    @classmethod
    def kinds(cls) -> list[str]:
        """The kinds' names, as users write them."""
        return list(_kind_fields(cls))

    @classmethod
    def choice(cls) -> str:
        *others, last = cls.kinds()
        return f"a source is either {', '.join(others)} or {last}: write exactly one of them"

    @property
    def kind(self) -> str:
        [kind] = self._given()
        return kind

    def shape(self) -> dict[str, Any]:
        """The values that shape the index. The first two kinds are always in it, even if null, so
        that stored fingerprints stay valid."""
        return {
            "name": self.name,
            "git": None,
            "configMap": None,
            **{kind: source.shape() for kind, source in self._given().items()},
            "include": _INCLUDED_FIRST if self.include == list(INCLUDED) else self.include,
            "exclude": self.exclude,
        }

    def secret_keys(self) -> list[SecretKey]:
        return self._given()[self.kind].secret_keys()

    def volume(self) -> dict[str, Any] | None:
        return self._given()[self.kind].volume()

    def config_maps(self) -> list[str]:
        return self._given()[self.kind].config_maps()

    def _given(self) -> dict[str, SourceKind]:
        """The sources that are set, by kind."""
        written = {kind: getattr(self, field) for kind, field in _kind_fields(type(self)).items()}
        return {kind: source for kind, source in written.items() if source is not None}


def _kind_fields(model: type[Source]) -> dict[str, str]:
    """The model's fields that are kinds of sources, by the names that users write."""
    return {
        field.alias or name: name
        for name, field in model.model_fields.items()
        if any(
            isinstance(a, type) and issubclass(a, SourceKind) for a in get_args(field.annotation)
        )
    }


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
