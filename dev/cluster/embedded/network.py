"""The node's address, and the way of pods to each other and to the world."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dev.cluster.embedded.paths import LINK, NODE_ADDRESS, POD_RANGE

# Table, chain, rule. A docker daemon sets FORWARD to DROP: pods are let through by name.
_RULES = (
    ("filter", "FORWARD", ("-s", POD_RANGE, "-j", "ACCEPT")),
    ("filter", "FORWARD", ("-d", POD_RANGE, "-j", "ACCEPT")),
    ("nat", "POSTROUTING", ("-s", POD_RANGE, "!", "-d", POD_RANGE, "-j", "MASQUERADE")),
)


def ensure() -> None:
    """Set up the link, the address, forwarding and rules. Existing ones are not changed."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    if not Path(f"/sys/class/net/{LINK}").exists():
        _ip("link", "add", LINK, "type", "bridge")
    _ip("addr", "replace", f"{NODE_ADDRESS}/32", "dev", LINK)
    _ip("link", "set", LINK, "up")
    for table, chain, rule in _RULES:
        if not _iptables(table, "-C", chain, *rule):
            _iptables(table, "-I", chain, *rule)


def remove() -> None:
    for table, chain, rule in _RULES:
        _iptables(table, "-D", chain, *rule)
    subprocess.run(["ip", "link", "delete", LINK], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _iptables(table: str, *arguments: str) -> bool:
    command = ["iptables", "--wait", "--table", table, *arguments]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
