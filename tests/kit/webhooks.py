"""Calls of webhooks as GitHub, Gitea, GitLab, Bitbucket and Standard Webhooks send them."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from standardwebhooks import Webhook

SECRET = "hunter2 is no password"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GONE = "0" * 40
COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"


@dataclass(frozen=True)
class Call:
    headers: dict[str, str]
    body: bytes


def sha256(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(
    event: str = "push",
    ref: str = "refs/heads/main",
    after: str = COMMIT,
    secret: str = SECRET,
    **more: Any,
) -> Call:
    push = {
        "ref": ref,
        "before": "4d2ab4e76d0d405d17d1a0f2b8a6071394e3ab40",
        "after": after,
        "created": False,
        "deleted": after == GONE,
        "forced": False,
        "repository": {"id": 186853002, "name": "handbook", "default_branch": "main"},
        "pusher": {"name": "octo", "email": "octo@example.com"},
        "head_commit": {"id": after, "message": "Refunds", "modified": ["refunds.md"]},
        "commits": [{"id": after, "message": "Refunds", "modified": ["refunds.md"]}],
        **more,
    }
    body = json.dumps(push).encode()
    headers = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/2d6e0f1",
        "x-github-event": event,
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": f"sha256={sha256(body, secret)}",
    }
    return Call(headers, body)


def github_form() -> Call:
    """GitHub's default content type."""
    body = urlencode({"payload": github().body.decode()}).encode()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-github-event": "push",
        "x-hub-signature-256": f"sha256={sha256(body)}",
    }
    return Call(headers, body)


def gitea(ref: str = "refs/heads/main") -> Call:
    """It sends GitHub's headers too."""
    call = github(ref=ref)
    own = {
        "x-gitea-event": "push",
        "x-gitea-event-type": "push",
        "x-gitea-signature": sha256(call.body),
    }
    return Call({**call.headers, **own}, call.body)


def gitlab(
    event: str = "Push Hook", ref: str = "refs/heads/main", token: str = SECRET, **more: Any
) -> Call:
    push = {
        "object_kind": "push",
        "event_name": "push",
        "before": "95790bf891e76fee5e1747ab589903a6a1f80f22",
        "after": COMMIT,
        "ref": ref,
        "ref_protected": True,
        "checkout_sha": COMMIT,
        "project": {"id": 15, "name": "Handbook", "default_branch": "main"},
        "repository": {"name": "Handbook", "url": "git@example.com:team/handbook.git"},
        "commits": [{"id": COMMIT, "message": "Refunds", "modified": ["refunds.md"]}],
        "total_commits_count": 1,
        **more,
    }
    headers = {
        "content-type": "application/json",
        "x-gitlab-event": event,
        "x-gitlab-token": token,
        "x-gitlab-event-uuid": "13792a34-cac6-4fda-95a8-c58e00a3954e",
    }
    return Call(headers, json.dumps(push).encode())


def bitbucket_cloud(name: str = "main", kind: str = "branch", *, gone: bool = False) -> Call:
    new = None if gone else {"type": kind, "name": name, "target": {"hash": COMMIT}}
    change = {"old": {"type": kind, "name": name}, "new": new, "closed": gone, "forced": False}
    push = {
        "actor": {"type": "user", "nickname": "emma"},
        "repository": {"type": "repository", "full_name": "team/handbook"},
        "push": {"changes": [change]},
    }
    return _bitbucket("repo:push", push)


def bitbucket_server(ref: str = "refs/heads/main", kind: str = "UPDATE") -> Call:
    change = {
        "ref": {"id": ref, "displayId": ref.rpartition("/")[2], "type": "BRANCH"},
        "refId": ref,
        "fromHash": GONE,
        "toHash": COMMIT,
        "type": kind,
    }
    push = {"eventKey": "repo:refs_changed", "repository": {"slug": "docs"}, "changes": [change]}
    return _bitbucket("repo:refs_changed", push)


def _bitbucket(event: str, push: dict[str, Any]) -> Call:
    body = json.dumps(push).encode()
    headers = {
        "content-type": "application/json",
        "x-event-key": event,
        "x-hub-signature": f"sha256={sha256(body)}",
    }
    return Call(headers, body)


def standard(
    body: bytes = b'{"type":"handbook.changed"}',
    at: datetime | None = None,
    secret: str | bytes = STANDARD_SECRET,
    call: str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
) -> Call:
    at = at or datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": call,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(call, at, body.decode()),
    }
    return Call(headers, body)
