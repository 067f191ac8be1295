"""What globs take by default, and what is told of the files that they do not take."""

from __future__ import annotations

from dev.servers.git_server import GitServer
from ragwright_core.report import Reason
from ragwright_core.spec import Source
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_sources import Opener


def test_mdx_is_markdown_and_what_globs_leave_out_is_told(
    pipeline: Pipeline, git: GitServer
) -> None:
    page = b"---\ntitle: Gear\n---\n\nimport X from './x'\n\n# Gear\n\nWheels of steel."
    git.commit({"page.mdx": page, "logo.png": b"x", "icon.png": b"x", "a.css": b"x"})
    told = "source docs: 3 files match no include pattern, most of them *.png"
    docs = pipeline.having(sources=[{"name": "docs", "git": {"url": git.url}}])

    report = docs.build("r1")
    again = docs.build("r2")
    git.commit({"logo.png": None, "icon.png": None})
    unchanged = docs.build("r3")
    nothing = Source.model_validate({"name": "docs", "git": {"url": git.url}, "include": ["*.md"]})

    assert docs.rows("SELECT title, metadata ->> 'format' FROM chunks LIMIT 1") == [
        ("Gear", "markdown")
    ]
    assert report.warnings == again.warnings == [told]
    assert (unchanged.outcome, again.outcome) == ("unchanged", "unchanged")
    assert unchanged.warnings == ["source docs: 1 file matches no include pattern (*.css)"]
    problem = Opener(pipeline.folder / "empty").refused(nothing)
    assert problem.reason is Reason.SOURCE_EMPTY
    assert "2 files match no include pattern, 1 of them *.css" in problem.message
