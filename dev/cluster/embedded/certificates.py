"""A certificate authority, and certificates for the API server and the administrator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from dev.cluster.embedded.paths import FIRST_SERVICE, KUBECONFIG, NODE_ADDRESS, STATE

FOLDER = STATE / "certificates"
_NAMES = (
    f"IP:127.0.0.1,IP:{NODE_ADDRESS},IP:{FIRST_SERVICE},DNS:localhost,DNS:kubernetes,"
    "DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=FOLDER, check=True, capture_output=True)


def ensure_certificates() -> None:
    """Make the certificates once. They are valid as long as the cluster's state exists."""
    if (FOLDER / "accounts.key").exists():  # the last one made
        return
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Python 3.13 and newer verify strictly: usage and key identifiers must be there.
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj",
             "/CN=ragwright-dev", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
             "-keyout", "ca.key", "-out", "ca.crt")  # fmt: skip
    _signed("apiserver", "/CN=kube-apiserver", "serverAuth", _NAMES)
    _signed("admin", "/O=system:masters/CN=admin", "clientAuth", "DNS:admin")
    _openssl("genrsa", "-out", "accounts.key", "2048")


def _signed(name: str, subject: str, usage: str, alternative_names: str) -> None:
    extensions = FOLDER / f"{name}.ext"
    extensions.write_text(
        f"extendedKeyUsage={usage}\nsubjectAltName={alternative_names}\n"
        "keyUsage=critical,digitalSignature,keyEncipherment\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject,
             "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
    _openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
             "-CAcreateserial", "-days", "3650", "-extfile", extensions.name,
             "-out", f"{name}.crt")  # fmt: skip


def write_kubeconfig(path: Path = KUBECONFIG) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "ragwright-dev",
        "clusters": [
            {
                "name": "ragwright-dev",
                "cluster": {
                    "server": f"https://{NODE_ADDRESS}:6443",
                    "certificate-authority": str(FOLDER / "ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": "admin",
                "user": {
                    "client-certificate": str(FOLDER / "admin.crt"),
                    "client-key": str(FOLDER / "admin.key"),
                },
            }
        ],
        "contexts": [
            {"name": "ragwright-dev", "context": {"cluster": "ragwright-dev", "user": "admin"}}
        ],
    }
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
