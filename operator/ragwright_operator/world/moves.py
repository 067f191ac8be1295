"""A change of the database under a version that answers. Pure.

The API's pods would ask the new database at once, and the old one would go if it is managed: there
would be no answer until a build there is done. So a person has to accept that.
"""

from __future__ import annotations

from ragwright_core.spec import MOVE_ANNOTATION, DatabaseSecret
from ragwright_operator.desired.pods import DATABASE_VOLUME
from ragwright_operator.desired.target import Manifest
from ragwright_operator.world.observed import Observed, is_ours, volumes_of
from ragwright_operator.world.trouble import Trouble

MANAGED = "managed"


def unaccepted_move(observed: Observed) -> Trouble | None:
    """Why the spec is not carried out, or None."""
    api = observed.children.get(("Deployment", observed.target.names.api))
    answers = observed.status.index.live or (observed.summary and observed.summary.live)
    if not answers or api is None or not is_ours(api, observed.target):
        return None
    before, after = _asked_now(observed, api), _wanted(observed)
    if before == after or observed.move in _words_for(after):
        return None
    names = observed.target.names
    return Trouble(
        "DatabaseChanged",
        f"{_in_words(after)} is not the database that answers now, {_in_words(before)}: there "
        "would be no answer until a build there is done. Make a second pipeline there and move "
        f"your clients; or accept that: kubectl -n {names.namespace} annotate --overwrite rag "
        f"{names.name} {MOVE_ANNOTATION}={_words_for(after)[0]}. What runs goes on.",
    )


Place = tuple[str, str]  # the Secret and its key


def _wanted(observed: Observed) -> Place:
    secret = observed.spec.database.secret_key_ref
    return (secret.name, secret.key) if secret else (MANAGED, "")


def _asked_now(observed: Observed, api: Manifest) -> Place:
    """The database whose Secret the API's pods mount."""
    target = observed.target
    server = observed.children.get(("StatefulSet", target.names.postgres))
    if server is not None and is_ours(server, target):
        return MANAGED, ""
    for volume in volumes_of(api):
        if volume["name"] == DATABASE_VOLUME and "secret" in volume:
            secret = volume["secret"]
            if secret["secretName"] in {target.postgres_secret, *target.early_secrets}:
                return MANAGED, ""
            return secret["secretName"], secret["items"][0]["key"]
    return _wanted(observed)


def _words_for(place: Place) -> tuple[str, ...]:
    """The words that accept a move there: the Secret and its key, or the Secret alone if that is
    the usual key. An earlier acceptance of one key accepts no other of the same Secret."""
    secret, key = place
    if not key:
        return (MANAGED,)
    both = f"{secret}/{key}"
    alone = key == DatabaseSecret.model_fields["key"].default and secret != MANAGED
    return (secret, both) if alone else (both,)


def _in_words(place: Place) -> str:
    secret, key = place
    if not key:
        return "the managed Postgres"
    return f"the database of Secret {secret}, key {key},"
