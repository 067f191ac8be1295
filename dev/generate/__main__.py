"""`python -m dev.generate`: writes the CRD and its reference page from the models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dev.generate.crd import definition_text, documented, resource_definition
from dev.generate.reference import reference_page


def generated() -> dict[str, str]:
    """Every generated file's path and text."""
    text = definition_text(resource_definition())
    return {
        "crds/ragpipeline.yaml": text,
        "charts/ragwright/files/ragpipeline.yaml": text,
        "docs/reference/ragpipeline.md": reference_page(documented()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check: bool = parser.parse_args().check
    stale = [
        path
        for path, text in generated().items()
        if not Path(path).exists() or Path(path).read_text() != text
    ]
    if check and stale:
        sys.exit(f"not what the models say: {', '.join(stale)}. Run: make generate")
    for path in stale:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(generated()[path])
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
