"""The account that a pipeline's pods run as: it has no rights and no token."""

from __future__ import annotations

from ragwright_operator.desired.target import Manifest, Target


def service_account(target: Target) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": target.metadata(target.names.api, "api"),
        "automountServiceAccountToken": False,
    }
