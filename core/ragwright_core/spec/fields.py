"""What the groups of the spec share: field types, and rules with words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from ragwright_core.model import Model


def rule(expression: str, message: str) -> dict[str, str]:
    """A CEL rule with a message that says what to write instead."""
    return {"rule": expression, "message": message}


def int_or_string(longest: int, check: dict[str, str]) -> WithJsonSchema:
    """The schema of a text that YAML may read as a number."""
    return WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "maxLength": longest,
            "x-kubernetes-validations": [check],
        }
    )


def rules(*items: dict[str, str]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [{**item} for item in items]})


@dataclass(frozen=True)
class Matching:
    """A pattern for a whole string. An error about a schema's `pattern` would show the expression;
    here the API server (with a CEL rule) and the model both show the message instead."""

    pattern: str
    message: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        check = rule(f"self.matches(r'^(?:{self.pattern})$')", self.message)
        return {**handler(schema), "x-kubernetes-validations": [check]}

    def _checked(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text, re.ASCII):
            raise ValueError(self.message)
        return text


def _with_sound_ranges(glob: str) -> str:
    """CEL cannot say this, so that the operator does."""
    for inside in re.findall(r"\[!?([^]/]+)\]", glob):
        for first, last in re.findall("(.)-(.)", inside, re.DOTALL):
            if first > last:
                raise ValueError(
                    f"[{first}-{last}] in a glob holds no character: write [{last}-{first}]"
                )
    return glob


ObjectName = Annotated[
    str,
    Field(max_length=253),
    Matching(
        "[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "write the name of an object: small letters, digits, - and . alone, a letter or a digit "
        "first and last",
    ),
]
SecretKeyName = Annotated[
    str,
    Field(max_length=253),
    Matching("[-._a-zA-Z0-9]+", "write a key of the Secret: letters, digits, -, _ and . alone"),
]
# With the limits on the numbers of sources and globs, this bounds the size of a Job's order, which
# must fit into a ConfigMap (1 MiB).
Glob = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_with_sound_ranges)]
Image = Annotated[
    str,
    Field(max_length=500),
    Matching(
        r"[a-zA-Z0-9][-a-zA-Z0-9._:/@]*",
        "write an image as a pod takes it, for example registry.example.com/postgres:18",
    ),
]
HttpUrl = Annotated[
    str,
    Field(max_length=500),
    Matching(
        r"https?://[^\s@]+",
        "write a URL that begins with http:// or https://, without spaces and without credentials: "
        "those go into a Secret",
    ),
]


class SecretKey(Model):
    """One key of a Secret of the pipeline's namespace; mounted, never read by the operator."""

    name: ObjectName
    key: SecretKeyName
