"""Gives each volume claim a folder on this machine, and removes the folder with the claim."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

from dev.cluster.embedded.paths import KUBECONFIG, STORAGE_CLASS, VOLUMES, binaries

_KUBECTL = (str(binaries() / "kubectl"), f"--kubeconfig={KUBECONFIG}")
_CLAIM = (
    "{.object.metadata.namespace} {.object.metadata.name} {.object.metadata.uid} "
    "{.object.status.phase} {.object.spec.storageClassName} "
    "{.object.spec.resources.requests.storage}{'\\n'}"
)
_VOLUME = "{.object.metadata.name} {.object.status.phase} {.object.spec.hostPath.path}{'\\n'}"


def storage_class() -> dict[str, object]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "ragwright.dev/local",
        "reclaimPolicy": "Delete",
    }


def _watch(kind: str, template: str) -> Iterator[list[str]]:
    command = [*_KUBECTL, "get", kind, "-A", "--watch", "--output-watch-events"]
    process = subprocess.Popen(
        [*command, "-o", f"jsonpath={template}"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        yield line.split()


def _provide() -> None:
    for words in _watch("persistentvolumeclaims", _CLAIM):
        if len(words) == 6 and words[3:5] == ["Pending", STORAGE_CLASS]:
            _create(*words[:3], storage=words[5])


def _create(namespace: str, name: str, uid: str, *, storage: str) -> None:
    folder = VOLUMES / uid
    folder.mkdir(parents=True, exist_ok=True)
    # fsGroup does not reach a hostPath; the pod that mounts it runs as some user of its own.
    folder.chmod(0o777)
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"local-{uid}"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": storage},
            "claimRef": {"namespace": namespace, "name": name, "uid": uid},
            "hostPath": {"path": str(folder)},
            # Ours to take away: the controller has no plugin for a hostPath.
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
        },
    }
    subprocess.run(
        [*_KUBECTL, "apply", "-f", "-"], input=json.dumps(volume), text=True, check=False
    )


def _reclaim() -> None:
    for words in _watch("persistentvolumes", _VOLUME):
        if len(words) == 3 and words[1] == "Released" and words[2].startswith(str(VOLUMES)):
            subprocess.run([*_KUBECTL, "delete", "pv", words[0], "--wait=false"], check=False)
            shutil.rmtree(words[2], ignore_errors=True)


def _for_ever(work: Callable[[], None]) -> None:
    """Watch again whenever a watch ends: the API server closes each after half an hour or more."""
    while True:
        work()
        time.sleep(1)


def main() -> None:
    threading.Thread(target=_for_ever, args=(_provide,), daemon=True).start()
    _for_ever(_reclaim)


if __name__ == "__main__":
    main()
