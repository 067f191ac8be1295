"""`ragwright-ingest load` with its sources in another folder; and, with `sooner`, for a server
that gives a silent worker up within 3 s, where a true one takes 60: program, folder, `sooner`."""

from __future__ import annotations

import sys

from ragwright_ingest import main, queries

_SOONER = {
    "tcp_keepalives_idle = 30": "tcp_keepalives_idle = 1",
    "tcp_keepalives_interval = 10": "tcp_keepalives_interval = 1",
    "tcp_user_timeout = '60s'": "tcp_user_timeout = '3s'",
}


def shorten() -> None:
    session: str = queries.SESSION
    for true, sooner in _SOONER.items():
        assert true in session, true
        session = session.replace(true, sooner)
    queries.SESSION = session


if __name__ == "__main__":
    _, sources, *asked = sys.argv
    if asked:
        shorten()
    vars(main)["SOURCES_FOLDER"] = sources
    sys.argv = ["ragwright-ingest", "load"]
    main.main()
