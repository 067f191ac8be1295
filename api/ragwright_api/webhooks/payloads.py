"""What a call of a webhook says: whether documents of a source may have changed. Pure.

Shapes are those of GitHub, Gitea, Forgejo, GitLab, Bitbucket Cloud and Bitbucket Data Center. A
signed call of any other shape says that documents have changed: a look costs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

# The headers that name the event, and the events that are pushes.
_EVENTS = ("x-gitea-event", "x-forgejo-event", "x-github-event", "x-gitlab-event", "x-event-key")
_PUSHES = frozenset(
    {"push", "push hook", "tag push hook", "system hook", "repo:push", "repo:refs_changed"}
)
_SYSTEM_PUSHES = frozenset({"push", "tag_push"})
_FORM = "application/x-www-form-urlencoded"  # GitHub's default
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Repository(_Part):
    default_branch: str | None = None


class _Named(_Part):
    """What a branch or tag of Bitbucket Cloud has become."""

    name: str
    type: str = "branch"


class _Ref(_Part):
    """A branch or tag of Bitbucket Data Center."""

    id: str


class _Change(_Part):
    new: _Named | None = None
    ref: _Ref | None = None
    type: str = ""


class _Changes(_Part):
    changes: list[_Change] = []


class _Push(_Part):
    ref: str | None = None
    after: str | None = None
    deleted: bool = False
    event_name: str | None = None
    repository: _Repository | None = None
    project: _Repository | None = None
    push: _Changes | None = None
    changes: list[_Change] = []


def why_ignored(headers: Mapping[str, str], body: bytes, wanted: str) -> str:
    """Why the documents at the git ref `wanted` have not changed, in words; empty if they may have.
    `wanted` is empty for a source that is no git repository."""
    event = next((headers[name].lower() for name in _EVENTS if name in headers), "push")
    if event not in _PUSHES:
        return f"the event {event[:40]!r} is no push"
    try:
        push = _Push.model_validate(_content(headers, body))
    except (ValidationError, ValueError, RecursionError):
        return ""
    if event == "system hook" and push.event_name not in _SYSTEM_PUSHES:
        return "the event is no push"
    return _other_ref(push, wanted) if wanted else ""


def _other_ref(push: _Push, wanted: str) -> str:
    refs = list(_refs(push))
    there = [ref for ref, is_there in refs if is_there]
    if not refs or _is_read(wanted, there, _default_branch(push)):
        return ""
    if not there:
        return "the push removes a branch or tag"
    if _COMMIT.fullmatch(wanted):
        return "the source reads one commit, which never changes"
    return f"the push is to another branch or tag than {wanted}, which the source reads"


def _is_read(wanted: str, there: list[str], default: str | None) -> bool:
    if wanted == "HEAD":
        return bool(there) and (default is None or _HEADS + default in there)
    return any(wanted in _names(ref) for ref in there)


def _default_branch(push: _Push) -> str | None:
    """GitLab tells it of the project, and other servers of the repository."""
    named = [at.default_branch for at in (push.repository, push.project) if at]
    return next((name for name in named if name), None)


def _refs(push: _Push) -> Iterable[tuple[str, bool]]:
    """The refs that were pushed, and whether they are still there."""
    if push.ref is not None:
        yield push.ref, not (push.deleted or (push.after or "1").strip("0") == "")
    for change in push.push.changes if push.push else []:
        if change.new is None:
            yield "", False
        else:
            yield (_TAGS if change.new.type == "tag" else _HEADS) + change.new.name, True
    for change in push.changes:
        if change.ref is not None:
            yield change.ref.id, change.type != "DELETE"


def _names(ref: str) -> set[str]:
    """The ways to name a ref: `refs/heads/main`, `heads/main`, `main`."""
    short = ref.removeprefix(_HEADS).removeprefix(_TAGS)
    return {ref, ref.removeprefix("refs/"), short}


def _content(headers: Mapping[str, str], body: bytes) -> object:
    if headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        body = parse_qs(body.decode(), max_num_fields=10).get("payload", [""])[0].encode()
    return from_json(body)
