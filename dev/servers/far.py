"""A server that is further away than it is: a TCP proxy that delays every byte.

As a program, which prints its own port: `python -m dev.servers.far PORT SECONDS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from typing import Any


@contextlib.contextmanager
def far(port: int, round_trip: float) -> Iterator[int]:
    """Lead a port of this machine to `port`, with `round_trip` seconds to there and back."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="far", daemon=True)
    thread.start()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port)
        for way in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(_delayed(*way, round_trip / 2))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def stop() -> None:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=30)

    server = run(asyncio.start_server(connected, "127.0.0.1"))
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        run(stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()


@contextlib.contextmanager
def far_by_itself(port: int, round_trip: float) -> Iterator[int]:
    """As `far`, in a process of its own, so that this one's work delays nothing."""
    command = [sys.executable, "-m", "dev.servers.far", str(port), str(round_trip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _delayed(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Pass bytes on in their order, each `seconds` after it came."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def send() -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(due - loop.time())
            writer.write(data)

    sending = asyncio.create_task(send())
    try:
        while data := await reader.read(2**16):
            under_way.put_nowait((loop.time() + seconds, data))
    except ConnectionError:
        pass
    finally:
        sending.cancel()
        writer.close()


def main() -> None:
    with far(int(sys.argv[1]), float(sys.argv[2])) as port:
        print(port, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
