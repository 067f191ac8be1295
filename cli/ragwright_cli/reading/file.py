"""The pipeline that a file holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from ragwright_cli.pipeline import Manifest, group, read_spec
from ragwright_cli.problems import CliError, UsageError
from ragwright_core.spec import GROUP, KIND, RagPipelineSpec


@dataclass(frozen=True)
class Written:
    """`namespace` is None where the file names none."""

    name: str
    namespace: str | None
    spec: RagPipelineSpec


def read_file(text: str, name: str | None) -> Written:
    """The RagPipeline of this name, or the only one. Raises CliError."""
    try:
        documents = [item for item in yaml.safe_load_all(text) if isinstance(item, dict)]
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise CliError(f"the file is no YAML{where}") from None
    found = [item for item in documents if _is_pipeline(item)]
    if name is not None:
        found = [item for item in found if _name(item) == name]
    names = ", ".join(_name(item) for item in found)
    if not found:
        raise CliError(f"the file holds no RagPipeline {name or ''}".rstrip())
    if len(found) > 1:
        raise UsageError(f"the file holds {len(found)} pipelines, name one: {names}")
    return _written(found[0])


def _is_pipeline(item: Manifest) -> bool:
    return item.get("kind") == KIND and str(item.get("apiVersion", "")).startswith(f"{GROUP}/")


def _name(item: Manifest) -> str:
    return str(group(item, "metadata").get("name", ""))


def _written(item: Manifest) -> Written:
    if not _name(item):
        raise CliError("the RagPipeline of the file has no metadata.name")
    namespace = group(item, "metadata").get("namespace")
    spec = read_spec(item, "the file's spec cannot be used")
    return Written(_name(item), str(namespace) if namespace else None, spec)
