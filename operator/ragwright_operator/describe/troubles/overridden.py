"""Objects that another hand changes after each apply. Pure."""

from __future__ import annotations

from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL
from ragwright_operator.plan.children import is_left_alone, wanted
from ragwright_operator.plan.difference import first_difference
from ragwright_operator.world.observed import Observed, key_of
from ragwright_operator.world.trouble import Trouble


def overridden(observed: Observed) -> list[Trouble]:
    found = []
    for manifest in wanted(observed) if observed.left_alone else []:
        if not is_left_alone(observed, manifest):
            continue
        key = key_of(manifest)
        existing = observed.children.get(key)
        what = "it" if existing is None else first_difference(existing, manifest)
        if what is not None:
            found.append(_told(*key, what if existing else "the whole object"))
    return found


def _told(kind: str, name: str, field: str) -> Trouble:
    return Trouble(
        "Overridden",
        f"{kind} {name}: {field} is changed by another hand after each apply (an admission policy, "
        "or another controller?). It is left as it is, and applied again every five minutes. "
        f"Exempt objects labelled {MANAGED_BY_LABEL}={MANAGED_BY} from that rule.",
    )
