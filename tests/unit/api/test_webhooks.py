"""Calls of webhooks as servers send them, and as others would have them: what is written down."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ragwright_api.http.routes import WEBHOOKS
from ragwright_api.webhooks.receive import CALLS_AT_ONCE, MAX_BODY_BYTES
from ragwright_core.serving import Hook
from ragwright_core.spec import SecretKey
from tests.kit.api import until
from tests.kit.port import Port
from tests.kit.webhooks import (
    COMMIT,
    GONE,
    SECRET,
    STANDARD_SECRET,
    Call,
    bitbucket_cloud,
    bitbucket_server,
    gitea,
    github,
    github_form,
    gitlab,
    sha256,
    standard,
)

KEY = SecretKey(name="push", key="secret")
PUSHES = {
    "GitHub": github(),
    "GitHub, as a form": github_form(),
    "Gitea": gitea(),
    "GitLab": gitlab(),
    "GitLab, a system hook": gitlab("System Hook"),
    "Bitbucket Cloud": bitbucket_cloud(),
    "Bitbucket Data Center": bitbucket_server(),
}


def port(ref: str = "main", secret: str | None = SECRET) -> Port:
    made = Port(hooks=[Hook(source="handbook", ref=ref, secret_key_ref=KEY)])
    if secret is not None:
        made.secrets[KEY] = secret
    return made


async def send(at: Port, call: Call, source: str = "handbook") -> tuple[int, dict[str, Any]]:
    async with at.client() as http:
        reply = await http.post(WEBHOOKS + source, headers=call.headers, content=call.body)
    return reply.status_code, reply.json()


def counted(at: Port, outcome: str, source: str = "handbook") -> float:
    labels = {"namespace": "n", "pipeline": "p", "source": source, "outcome": outcome}
    value = at.public.metrics.registry.get_sample_value("ragwright_webhooks_total", labels)
    return value or 0.0


@pytest.mark.parametrize("server", PUSHES)
@pytest.mark.parametrize("ref", ["main", "refs/heads/main", "HEAD"])
async def test_a_push_to_the_branch_that_is_read(server: str, ref: str) -> None:
    at = port(ref)
    status, told = await send(at, PUSHES[server])
    assert (status, told["status"]) == (202, "changed"), told
    assert [source for source, _ in at.pushes] == ["handbook"]
    assert counted(at, "changed") == 1


OTHERS = {
    "GitHub": github(ref="refs/heads/draft"),
    "Gitea": gitea("refs/heads/draft"),
    "GitLab": gitlab(ref="refs/heads/draft"),
    "Bitbucket Cloud": bitbucket_cloud("draft"),
    "Bitbucket Data Center": bitbucket_server("refs/heads/draft"),
    "a tag": github(ref="refs/tags/v1"),
    "a longer name": github(ref="refs/heads/main/2"),
}


@pytest.mark.parametrize("server", OTHERS)
async def test_a_push_to_another_branch_builds_nothing(server: str) -> None:
    at = port()
    status, told = await send(at, OTHERS[server])
    assert (status, told["status"]) == (200, "ignored")
    assert "another branch or tag than main" in told["message"]
    assert (at.pushes, counted(at, "ignored")) == ([], 1)


@pytest.mark.parametrize(
    ("ref", "call", "words"),
    [
        ("HEAD", github(ref="refs/heads/draft"), "another branch or tag than HEAD"),
        (COMMIT, github(), "one commit, which never changes"),
        ("main", github(after=GONE), "removes a branch or tag"),
        ("main", bitbucket_cloud(gone=True), "removes a branch or tag"),
        ("main", bitbucket_server(kind="DELETE"), "removes a branch or tag"),
        ("main", github("ping"), "the event 'ping' is no push"),
        ("main", github("issues"), "the event 'issues' is no push"),
        ("main", gitlab("Merge Request Hook"), "the event 'merge request hook' is no push"),
        ("main", gitlab("System Hook", event_name="user_create"), "no push"),
    ],
)
async def test_what_changes_no_document_builds_nothing(ref: str, call: Call, words: str) -> None:
    at = port(ref)
    status, told = await send(at, call)
    assert (status, told["status"]) == (200, "ignored")
    assert words in told["message"]
    assert at.pushes == []


@pytest.mark.parametrize(
    ("ref", "call"),
    [
        ("v1", github(ref="refs/tags/v1")),
        ("refs/tags/v1", gitlab("Tag Push Hook", ref="refs/tags/v1", object_kind="tag_push")),
        ("v1", bitbucket_cloud("v1", "tag")),
        ("feature/a", github(ref="refs/heads/feature/a")),
    ],
)
async def test_a_tag_or_a_branch_with_a_slash(ref: str, call: Call) -> None:
    assert (await send(port(ref), call))[0] == 202


async def test_standard_webhooks_need_no_shape_and_no_git() -> None:
    for body in (b'{"type":"x"}', b"", b"plain text", b'{"ref": 7, "changes": "all"}'):
        at = port(ref="", secret=STANDARD_SECRET)
        assert (await send(at, standard(body)))[0] == 202, body
    assert (await send(port("", SECRET), standard(secret=SECRET.encode())))[0] == 202


def signed(call: Call, **headers: str) -> Call:
    others = {name: value for name, value in call.headers.items() if "signature" not in name}
    return replace(call, headers={**others, **headers})


AGO, AHEAD = timedelta(minutes=6), timedelta(minutes=6)
FORGED = {
    "none": (signed(github()), "the call is not signed"),
    "another secret": (github(secret="guess"), "made with another secret"),
    "an empty secret": (github(secret=""), "made with another secret"),
    "another body": (replace(github(), body=b"{}"), "made with another secret"),
    "no hex": (signed(github(), **{"x-hub-signature-256": "sha256=zz"}), "made with another"),
    "letters beyond ASCII": (
        signed(github(), **{"x-hub-signature-256": "sha256=é"}),
        "made with another",
    ),
    "no value": (signed(github(), **{"x-hub-signature-256": ""}), "is no sha256"),
    "SHA-1": (signed(github(), **{"x-hub-signature": "sha1=" + "0" * 40}), "is no sha256"),
    "Gitea's own header alone": (
        signed(gitea(), **{"x-gitea-signature": sha256(gitea().body)}),
        "the call is not signed",
    ),
    "another token": (gitlab(token="guess"), "another than the Secret's"),
    "an empty token": (gitlab(token=""), "another than the Secret's"),
    "an old call": (standard(at=datetime.now(UTC) - AGO), "too old"),
    "a call of tomorrow": (standard(at=datetime.now(UTC) + AHEAD), "too new"),
    "no list": (
        signed(standard(), **{"webhook-signature": "v1"}),
        "cannot be read",
    ),
    "no base64": (signed(standard(), **{"webhook-signature": "v1,é"}), "cannot be read"),
    "no time": (
        signed(standard(), **{"webhook-signature": "v1,AA==", "webhook-timestamp": "nan"}),
        "signature",
    ),
    "no UTF-8": (replace(standard(), body=b"\xff"), "cannot be read"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_call_of_somebody_who_does_not_know_the_secret(name: str) -> None:
    call, words = FORGED[name]
    at = port(secret=STANDARD_SECRET if "webhook-id" in call.headers else SECRET)
    headers = [(key.encode(), value.encode()) for key, value in call.headers.items()]
    async with at.client() as http:
        reply = await http.post(WEBHOOKS + "handbook", headers=headers, content=call.body)
    assert (reply.status_code, reply.json()["error"]) == (401, "unsigned")
    assert words in reply.json()["message"]
    assert (at.pushes, counted(at, "refused")) == ([], 1)
    assert SECRET not in at.log.getvalue() + reply.text


async def test_a_call_that_comes_again_builds_nothing_more() -> None:
    at = port()
    assert [(await send(at, github()))[1]["status"] for _ in range(2)] == ["changed", "repeated"]
    other = standard(call="msg_1"), standard(call="msg_2")
    at = port("", STANDARD_SECRET)
    assert [(await send(at, call))[1]["status"] for call in other] == ["changed", "changed"]


@pytest.mark.parametrize("source", ["other", "", "handbook/", "%00", "x" * 9_000])
async def test_a_source_that_has_no_webhook(source: str) -> None:
    at = port()
    status, told = await send(at, github(), source)
    assert (status, told["error"]) == (404, "no_webhook")
    assert "write sources[].webhook" in told["message"]
    assert (at.pushes, counted(at, "refused", "")) == ([], 1)


@pytest.mark.parametrize("secret", [None, ""])
async def test_without_its_secret_no_call_is_taken(secret: str | None) -> None:
    at = port(secret=secret)
    for call in (github(secret=""), gitlab(token=""), signed(github())):
        status, told = await send(at, call)
        assert (status, told["error"]) == (503, "secret_missing")
        assert "Secret push has no key secret" in told["message"]
    assert at.pushes == []


async def test_a_body_is_bounded() -> None:
    at = port()
    longest = b" " * (MAX_BODY_BYTES - len(github().body))
    body = github().body + longest
    call = signed(replace(github(), body=body), **{"x-hub-signature-256": f"sha256={sha256(body)}"})
    assert (await send(at, call))[0] == 202
    status, told = await send(at, replace(call, body=body + b" "))
    assert (status, told["error"]) == (413, "too_large")
    assert len(at.pushes) == 1


async def test_calls_that_come_slowly_do_not_pile_up() -> None:
    at, gate = port(), asyncio.Event()

    async def slow() -> Any:
        await gate.wait()
        yield github().body

    async with at.client() as http:
        address = WEBHOOKS + "handbook"
        calls = [
            asyncio.create_task(http.post(address, headers=github().headers, content=slow()))
            for _ in range(CALLS_AT_ONCE)
        ]
        await until(lambda: at.public.webhooks._calls == CALLS_AT_ONCE)
        assert (await send(at, github()))[1]["error"] == "too_busy"
        gate.set()
        replies = await asyncio.gather(*calls)
    assert [reply.status_code for reply in replies] == [202] + [200] * (CALLS_AT_ONCE - 1)
    assert (await send(at, gitea()))[0] == 200


async def test_only_post_calls_a_webhook() -> None:
    async with port().client() as http:
        reply: httpx.Response = await http.get(WEBHOOKS + "handbook")
    assert (reply.status_code, reply.json()["error"]) == (405, "not_allowed")
