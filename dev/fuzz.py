"""`make fuzz`: generated requests against a real API process, from a fixed seed.

schemathesis reads the API's own description and sends what fits it and what does not. A reply that
the description does not tell, a status of 500, or a fault in the API's log is a failure.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import httpx

from dev.servers import git_server
from dev.stack import Stack, stack
from ragwright_core.spec import Git, RagPipelineSpec, Source

# A filter is a language of its own, which a JSON schema does not describe: one that fits the schema
# may be refused, in words.
NOT_CHECKED = "positive_data_acceptance"
CONFIGURATION = Path(__file__).parent / "fuzz.toml"
DOCUMENTS: dict[str, bytes | None] = {
    "refunds.md": b"---\nteam: shop\nyear: 2022\n---\n# Refunds\n\nRefunds are paid in 14 days.\n",
    "harbour.md": b"# Harbour\n\nThe harbour opens at nine. Ships are painted blue each year.\n",
}


def fuzz(url: str, seed: int, seconds: int, folder: Path) -> int:
    """The exit code of schemathesis, which keeps what it finds in `folder`."""
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIGURATION)),
        *("run", f"{url}/openapi.json"),
        *("--seed", str(seed), "--max-time", str(seconds), "--request-timeout", "30"),
        *("--checks", "all", "--exclude-checks", NOT_CHECKED, "--continue-on-failure"),
        *("--generation-database", "none", "--no-color"),
    ]
    return subprocess.run(command, check=False, cwd=folder).returncode


def build(stores: Stack, spec: RagPipelineSpec) -> None:
    for step in ("load", "index"):
        stores.start_build(step, spec, "r1").finish()


def is_well(url: str) -> bool:
    """Whether the next question is answered, and nothing went wrong that no reply told."""
    reply = httpx.post(f"{url}/api/rag/query", json={"question": "When are refunds paid?"})
    return reply.status_code == 200


def faults(stores: Stack) -> list[str]:
    logs = stores.folder.glob("api-*.log")
    lines = (line for log in logs for line in log.read_text().splitlines())
    return [line for line in lines if '"level": "error"' in line or '"status": 500' in line]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=1)
    asked = parser.parse_args()
    with stack("fuzz") as stores, git_server.serve(stores.folder / "fuzz.git") as git:
        git.commit(DOCUMENTS)
        spec = RagPipelineSpec(sources=[Source(name="docs", git=Git(url=git.url, ref="main"))])
        build(stores, spec)
        url, _ = stores.start_api(spec)
        code = fuzz(url, asked.seed, round(60 * asked.minutes), stores.folder)
        found = faults(stores)
        for line in found:
            print(line)
        return code or int(bool(found) or not is_well(url))


if __name__ == "__main__":
    sys.exit(main())
