"""What an author named, beside what the administrator allows. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from ragwright_core.spec import RagPipelineSpec
from ragwright_operator.settings import Allowed
from ragwright_operator.world.trouble import Trouble


def not_allowed(spec: RagPipelineSpec, allowed: Allowed) -> Trouble | None:
    """Why the spec is not carried out, or None."""
    for path, image in _images(spec):
        if allowed.images and not _is_among(allowed.images, image):
            return _refusal(f"{path} is {image}", "images", "pipelines.allowedImages")
    template = spec.pod_template
    for key in template.annotations if template else ():
        if not _is_among(allowed.annotations, key):
            what = f"podTemplate.annotations holds {key}"
            return _refusal(what, "annotations", "pipelines.allowedPodAnnotations")
    return None


def _images(spec: RagPipelineSpec) -> Iterator[tuple[str, str]]:
    for path, store in (
        ("database.managed.image", spec.database.managed),
        ("cache.managed.image", spec.cache.managed),
    ):
        if store is not None and store.image:
            yield path, store.image


def _is_among(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _refusal(what: str, kind: str, value: str) -> Trouble:
    return Trouble(
        "InvalidSpec",
        f"{what}, which is not among the {kind} that the administrator allows: leave it out, or "
        f"ask for it to be added to {value} in the chart's values. What runs goes on.",
    )
