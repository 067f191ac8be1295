"""What the groups of the spec share: field types, and rules with words."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from ragwright_core.model import Model

Quantity = Annotated[
    str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", max_length=20)
]
ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
SecretKeyName = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
Glob = Annotated[str, Field(min_length=1, max_length=200)]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=500)]


def rule(expression: str, message: str) -> dict[str, str]:
    """A CEL rule with a message that says what to write instead."""
    return {"rule": expression, "message": message}


def rules(*items: dict[str, str]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [{**item} for item in items]})


class SecretKey(Model):
    """One key of a Secret of the pipeline's namespace; mounted, never read by the operator."""

    name: ObjectName
    key: SecretKeyName
