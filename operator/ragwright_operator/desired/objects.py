"""Objects that more than one component has: ConfigMaps, Services, policies, Secrets."""

from __future__ import annotations

from importlib.resources import files

from ragwright_operator.desired.target import CLIENTS, VERSION_LABEL, Manifest, Target


def shipped(name: str) -> str:
    """Text of a file that is part of this package."""
    return (files(__package__) / "files" / name).read_text()


def config_map(target: Target, name: str, component: str, data: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": target.metadata(name, component),
        "data": data,
    }


def service(target: Target, name: str, component: str, port: Manifest) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": target.metadata(name, component),
        "spec": {
            "type": "ClusterIP",
            "selector": target.selector(component),
            "ports": [{"protocol": "TCP", **port}],
        },
    }


def policy(target: Target, name: str, component: str, ingress: list[Manifest]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": target.metadata(name, component),
        "spec": {
            "podSelector": {"matchLabels": target.selector(component)},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    }


def port(number: int) -> Manifest:
    return {"protocol": "TCP", "port": number}


def own_pods_only(target: Target, name: str, component: str, number: int) -> Manifest:
    """Lets only this pipeline's pods talk to a managed server. Every network plugin also admits the
    kubelet."""
    own = [{"podSelector": {"matchLabels": target.selector(client)}} for client in CLIENTS]
    return policy(target, name, component, [{"ports": [port(number)], "from": own}])


def secret(target: Target, name: str, component: str, owner: Manifest, data: Manifest) -> Manifest:
    """A Secret, which we create and then never read, apply or delete."""
    metadata = {**target.metadata(name, component), "ownerReferences": [owner]}
    del metadata["labels"][VERSION_LABEL]  # it would stay there for ever
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": metadata,
        "stringData": data,
    }
