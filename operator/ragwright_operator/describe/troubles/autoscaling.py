"""An autoscaler that cannot count what it scales by. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ragwright_operator.world.observed import Observed, is_ours
from ragwright_operator.world.trouble import Trouble

# The first figures of new pods come after a minute or two.
PATIENCE = timedelta(minutes=3)


def autoscaling_troubles(observed: Observed, now: datetime) -> list[Trouble]:
    name = observed.target.names.api
    found = observed.children.get(("HorizontalPodAutoscaler", name))
    if found is None or not is_ours(found, observed.target):
        return []
    return [
        Trouble(
            "AutoscalerBlind",
            f"HorizontalPodAutoscaler {name} scales nothing: {condition.get('message', '')}. "
            "Is metrics-server installed? See: kubectl top pods -n "
            f"{observed.target.names.namespace}",
        )
        for condition in (found.get("status") or {}).get("conditions") or []
        if condition["type"] == "ScalingActive"
        and condition["status"] == "False"
        and condition.get("reason", "").startswith("FailedGet")
        and now - datetime.fromisoformat(condition["lastTransitionTime"]) > PATIENCE
    ]
