"""The demo's own objects in the cluster: a git server, and the Job that asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAMESPACE = "ragwright-demo"
LABEL = {"ragwright.dev/demo": "true"}
GIT = "git"
ASKER = "asker"
WEBHOOK = {"name": "push", "key": "secret"}
_HERE = Path(__file__).parent


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": {**LABEL, "app": name}}


def namespace() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {**LABEL, "pod-security.kubernetes.io/enforce": "restricted"},
        },
    }


def _scripts(name: str, files: list[str], more: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(name),
        "data": {**{file: (_HERE / file).read_text() for file in files}, **more},
    }


def _pod(
    name: str, image: str, command: list[str], env: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """A pod template that Pod Security `restricted` admits."""
    mounts = [
        {"name": "scripts", "mountPath": "/scripts", "readOnly": True},
        {"name": "data", "mountPath": "/data"},
    ]
    return {
        "metadata": {"labels": {**LABEL, "app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": name,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": command,
                    "env": [{"name": "HOME", "value": "/data"}, *env],
                    "ports": [{"containerPort": 8080}],
                    "volumeMounts": mounts,
                    "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}},
                    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                }
            ],
            "volumes": [
                {"name": "scripts", "configMap": {"name": name}},
                {"name": "data", "emptyDir": {}},
            ],
        },
    }


def git_server(image: str, webhook_url: str, secret: str) -> list[dict[str, Any]]:
    """A git server that calls a webhook after each push; the pipeline mounts the same Secret."""
    command = ["python", "/scripts/gitserver.py", "/data"]
    env: list[dict[str, Any]] = [
        {"name": "WEBHOOK_URL", "value": webhook_url},
        {"name": "WEBHOOK_SECRET", "valueFrom": {"secretKeyRef": WEBHOOK}},
    ]
    return [
        _scripts(GIT, ["gitserver.py"], {}),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": _metadata(WEBHOOK["name"]),
            "stringData": {WEBHOOK["key"]: secret},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(GIT),
            "spec": {
                "selector": {"matchLabels": {"app": GIT}},
                "template": _pod(GIT, image, command, env),
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(GIT),
            "spec": {"selector": {"app": GIT}, "ports": [{"port": 8080}]},
        },
    ]


def asker_job(image: str, url: str, questions: list[str]) -> list[dict[str, Any]]:
    """The Job and its scripts; it runs until it is told to stop, at most half an hour."""
    template = _pod(ASKER, image, ["python", "/scripts/asker.py", url, "/scripts/questions.txt"])
    template["spec"]["restartPolicy"] = "Never"
    return [
        _scripts(ASKER, ["asker.py", "judge.py"], {"questions.txt": "\n".join(questions)}),
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": _metadata(ASKER),
            "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 1800, "template": template},
        },
    ]
