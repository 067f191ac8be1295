"""What a database says is told in its own words, with what to do next, and without a secret."""

from __future__ import annotations

import pytest

from ragwright_core.problems import ProblemError
from ragwright_core.report import MAX_MESSAGE, Problem, Reason
from ragwright_ingest.database import connect_plain
from tests.kit.hostile import postgres

SECRET = "p%w0rd-s3cret"
CLOSED = "postgresql://app:pw@127.0.0.1:1/db"


def refused(url: str) -> Problem:
    with pytest.raises(ProblemError) as stopped:
        connect_plain(url)
    return stopped.value.problem


@pytest.mark.parametrize("name", postgres.TABLE)
def test_a_server_that_refuses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")  # a pod has no ~/.postgresql/root.crt
    behaviour = postgres.TABLE[name]
    with postgres.serve(behaviour) as url:
        problem = refused(url)
    assert problem.reason is Reason.DATABASE_UNAVAILABLE
    assert [words for words in behaviour.says if words not in problem.message] == []
    assert [words for words in (*behaviour.hides, SECRET) if words in problem.message] == []
    assert len(problem.message) < MAX_MESSAGE
    assert problem.message.isprintable()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://app:pw@127.0.0.1:1/db", "nothing listens there"),
        ("postgresql://app:s3c@ret@127.0.0.1.invalid/db", "percent-encode"),
        ("postgresql://app:pw@nowhere.invalid/db", "its host name is not known"),
        ("postgresql://app:s3%cret@127.0.0.1/db", "percent-encode"),
        ("postgresql://app:pw@127.0.0.1:1/db?passwrd=s3cret", "not a valid postgresql:// URI"),
        ("postgresql://app:pw@127.0.0.1:1/db?sslmode=s3cret", "sslmode"),
        ("postgresql://app:pw@127.0.0.1:1/db?channel_binding=s3cret", "OperationalError. Check"),
        ("postgresql://app:pw@127.0.0.1:99999/db", "port"),
        *(
            (f"{CLOSED}?sslmode={weak}&sslrootcert=system", "write sslmode=verify-full")
            for weak in ("verify-ca", "require", "prefer", "allow", "disable")
        ),
        (f"{CLOSED}?sslmode=prefer&sslnegotiation=direct", "write sslmode=verify-full, or"),
        (f"{CLOSED}?gssencmode=require", "no Kerberos ticket. Write gssencmode=disable"),
    ],
)
def test_an_url_that_leads_nowhere(url: str, says: str) -> None:
    message = refused(url).message
    assert says in message
    assert "s3c" not in message
    assert "ret@" not in message
