"""ConfigMaps: what the API serves with, and the managed servers' own files."""

from __future__ import annotations

from importlib.resources import files

from ragwright_core.handover import ServeSettings
from ragwright_core.names import SETTINGS_FILE
from ragwright_core.spec import ManagedPostgres, ManagedRedis
from ragwright_operator.desired.quantity import whole_bytes
from ragwright_operator.desired.target import Manifest, Target

POSTGRES_START = "postgres-start.sh"
POSTGRES_CONF = "postgresql.conf"
# Any uid can run Postgres, but it must have a name: /etc/passwd is shadowed with this.
PASSWD = "passwd"
REDIS_CONF = "redis.conf"


def shipped(name: str) -> str:
    """Text of a file that is part of this package."""
    return (files(__package__) / "files" / name).read_text()


def _config_map(target: Target, name: str, component: str, data: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": target.metadata(name, component),
        "data": data,
    }


def serve_settings(target: Target) -> str:
    identity = target.identity.model_copy(update={"adopt": ""})
    settings = ServeSettings.of(identity, target.spec)
    return settings.model_dump_json(indent=1)


def api_config(target: Target) -> Manifest:
    return _config_map(
        target, target.names.api, "api", {SETTINGS_FILE.name: serve_settings(target)}
    )


def postgres_files(target: Target, postgres: ManagedPostgres) -> dict[str, str]:
    memory = whole_bytes(postgres.resources.limits.memory)
    settings = {
        "listen_addresses": "'*'",
        "unix_socket_directories": "'/var/run/postgresql,/tmp'",
        "hba_file": "'/etc/ragwright/postgres/pg_hba.conf'",
        "max_connections": "200",
        "shared_buffers": f"{memory // 4 // 2**20}MB",
        "maintenance_work_mem": f"{target.index_memory_bytes // 2**20}MB",
        "max_wal_size": "512MB",
        "log_timezone": "'UTC'",
    }
    return {
        POSTGRES_START: shipped(POSTGRES_START),
        PASSWD: shipped(PASSWD),
        "pg_hba.conf": shipped("pg_hba.conf"),
        POSTGRES_CONF: "".join(f"{name} = {value}\n" for name, value in settings.items()),
    }


def postgres_config(target: Target, postgres: ManagedPostgres) -> Manifest:
    data = postgres_files(target, postgres)
    return _config_map(target, target.names.postgres, "postgres", data)


def redis_settings(redis: ManagedRedis) -> str:
    return shipped(REDIS_CONF) + f"maxmemory {whole_bytes(redis.max_memory)}\n"


def redis_config(target: Target, redis: ManagedRedis) -> Manifest:
    return _config_map(target, target.names.redis, "redis", {REDIS_CONF: redis_settings(redis)})
