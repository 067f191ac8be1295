"""A small real HTTP server that speaks OpenAI's embeddings and chat protocols.

Vectors are deterministic (hashed words), so that equal texts have equal vectors and texts that
share words are near. It can be told to fail, and it counts what it was asked. As a program:
`python -m dev.servers.openai_server [port]`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

Json = dict[str, Any]


@dataclass
class Told:
    """How the server should behave, and what it has seen. Fields can be set while it runs."""

    api_key: str | None = None
    #: Statuses to answer the next requests with, each once; 0 closes the connection.
    failures: deque[int] = field(default_factory=deque)
    #: Every request gets this status until it is None again.
    always: int | None = None
    retry_after: str | None = None
    #: Given the vectors (a list of lists), returns what is sent instead.
    spoil: Callable[[list[list[float]]], list[list[float]]] | None = None
    answer: Callable[[Json], str] = lambda _: "an answer"
    refuse_dimensions: bool = False
    #: The status to refuse these texts with, if any.
    refuse_texts: Callable[[list[str]], int | None] = lambda _: None
    #: Whether a chat reply tells the tokens it took.
    tells_usage: bool = True
    #: Held by a test to make replies wait; a reply acquires and releases it.
    gate: threading.Lock = field(default_factory=threading.Lock)

    embedding_calls: list[Json] = field(default_factory=list)
    chat_calls: list[Json] = field(default_factory=list)
    keys_seen: list[str | None] = field(default_factory=list)
    #: Paths of requests that came, those behind the gate included.
    came: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Every text that was embedded, in order."""
        return [text for call in self.embedding_calls for text in call["input"]]


def vector(text: str, dimensions: int) -> list[float]:
    """A unit vector of hashed words: same text, same vector; shared words, small angle."""
    total = np.zeros(dimensions, dtype=np.float32)
    for word in re.findall(r"\w+", text.lower()) or [""]:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
        total += np.random.default_rng(seed).standard_normal(dimensions, dtype=np.float32)
    return [float(x) for x in total / np.linalg.norm(total)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = self.server.told
        told.came.append(self.path)
        with told.gate:
            pass
        told.keys_seen.append(self.headers.get("Authorization"))
        status = told.failures.popleft() if told.failures else told.always
        if status == 0:
            self.close_connection = True
            return
        if status:
            self._reply(status, {"error": {"message": f"told to fail with {status}"}})
        elif told.api_key is not None and self.headers.get("Authorization") != (
            f"Bearer {told.api_key}"
        ):
            self._reply(401, {"error": {"message": "Incorrect API key provided"}})
        elif self.path.endswith("/embeddings"):
            self._embeddings(body)
        elif self.path.endswith("/chat/completions"):
            self._chat(body)
        else:
            self._reply(404, {"error": {"message": f"unknown path {self.path}"}})

    def _embeddings(self, body: Json) -> None:
        told = self.server.told
        if told.refuse_dimensions and "dimensions" in body:
            self._reply(400, {"error": {"message": "this model does not support dimensions"}})
            return
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if refused := told.refuse_texts(texts):
            self._reply(refused, {"error": {"message": "not these"}})
            return
        told.embedding_calls.append({**body, "input": texts})
        rows = [vector(text, body.get("dimensions", 64)) for text in texts]
        rows = told.spoil(rows) if told.spoil else rows
        data = [
            {"object": "embedding", "index": index, "embedding": _encode(row, body)}
            for index, row in enumerate(rows)
        ]
        tokens = sum(len(text.split()) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self._reply(200, {"object": "list", "data": data, "model": body["model"], "usage": usage})

    def _chat(self, body: Json) -> None:
        told = self.server.told
        told.chat_calls.append(body)
        text = told.answer(body)
        prompt = sum(len(str(message["content"]).split()) for message in body["messages"])
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": len(text.split()),
            "total_tokens": prompt + len(text.split()),
        }
        head = {"id": "chatcmpl-1", "created": 0, "model": body["model"]}
        if body.get("stream"):
            self._stream(head, text, usage, body)
            return
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {**head, "object": "chat.completion", "choices": [choice]}
        self._reply(200, {**whole, "usage": usage} if told.tells_usage else whole)

    def _stream(self, head: Json, text: str, usage: Json, body: Json) -> None:
        head = {**head, "object": "chat.completion.chunk"}
        events: list[Json] = [
            {**head, "choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]}
            for part in re.findall(r"\S+\s*", text)
        ]
        events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if (body.get("stream_options") or {}).get("include_usage"):
            events.append({**head, "choices": [], "usage": usage})
        lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for line in lines:
            self.wfile.write(line.encode())
            self.wfile.flush()
        self.close_connection = True

    def _reply(self, status: int, body: Json) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429 and self.server.told.retry_after:
            self.send_header("Retry-After", self.server.told.retry_after)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass


def _encode(row: list[float], body: Json) -> object:
    if body.get("encoding_format") == "base64":
        return base64.b64encode(np.asarray(row, dtype="<f4").tobytes()).decode()
    return row


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], told: Told) -> None:
        super().__init__(address, _Handler)
        self.told = told


@dataclass(frozen=True)
class Endpoint:
    url: str
    told: Told


@contextlib.contextmanager
def serve(host: str = "127.0.0.1") -> Iterator[Endpoint]:
    """Serve on a free port of this machine; `url` ends with /v1."""
    told = Told()
    server = _Server((host, 0), told)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Endpoint(f"http://{host}:{server.server_port}/v1", told)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    _Server(("0.0.0.0", port), Told()).serve_forever()
