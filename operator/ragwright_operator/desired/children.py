"""Every object that a pipeline owns, in the order in which they are needed."""

from __future__ import annotations

from ragwright_core.spec import ManagedPostgres, ManagedRedis
from ragwright_operator.desired.api import (
    api_config,
    api_policy,
    api_service,
    autoscaler,
    deployment,
    disruption_budget,
    internal_service,
)
from ragwright_operator.desired.pods import service_account
from ragwright_operator.desired.postgres import (
    postgres_config,
    postgres_policy,
    postgres_service,
    postgres_set,
    volume_claim,
)
from ragwright_operator.desired.redis import (
    redis_config,
    redis_deployment,
    redis_policy,
    redis_service,
)
from ragwright_operator.desired.target import Manifest, Target


def children(target: Target) -> list[Manifest]:
    """All objects but Secrets and Jobs, which are created once and never applied."""
    manifests = [service_account(target)]
    if target.managed_redis:
        manifests += _redis(target, target.managed_redis)
    if target.managed_postgres:
        manifests += _postgres(target, target.managed_postgres)
    return manifests + _api(target)


def _redis(target: Target, redis: ManagedRedis) -> list[Manifest]:
    return [
        redis_service(target),
        redis_policy(target),
        redis_config(target, redis),
        redis_deployment(target, redis),
    ]


def _postgres(target: Target, postgres: ManagedPostgres) -> list[Manifest]:
    return [
        volume_claim(target, postgres),
        postgres_service(target),
        postgres_policy(target),
        postgres_config(target, postgres),
        postgres_set(target, postgres),
    ]


def _api(target: Target) -> list[Manifest]:
    manifests = [
        api_service(target),
        internal_service(target),
        api_policy(target),
        api_config(target),
        deployment(target),
    ]
    autoscaling = target.spec.api.autoscaling
    if autoscaling:
        manifests.append(autoscaler(target, autoscaling))
    if autoscaling or target.spec.api.replicas > 1:
        manifests.append(disruption_budget(target))
    return manifests
