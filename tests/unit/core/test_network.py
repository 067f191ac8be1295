"""Which hosts a pipeline's author may name, once they are resolved."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from ragwright_core.network import ForbiddenAddressError, Guard, Network
from ragwright_core.network.addresses import Address, read

API_SERVER = ip_address("10.96.0.1")


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("127.0.0.1", "a loopback address"),
        ("127.255.0.9", "a loopback address"),
        ("0.0.0.0", "a loopback address"),
        ("0.1.2.3", "a loopback address"),
        ("::1", "a loopback address"),
        ("::", "a loopback address"),
        ("::ffff:127.0.0.1", "a loopback address"),
        ("::7f00:1", "a loopback address"),
        ("64:ff9b::7f00:1", "a loopback address"),
        ("2002:7f00:1::", "a loopback address"),
        ("169.254.169.254", "a link-local address"),
        ("169.254.170.2", "a link-local address"),
        ("::ffff:169.254.169.254", "a link-local address"),
        ("64:ff9b::a9fe:a9fe", "a link-local address"),
        ("64:ff9b:1::a9fe:a9fe", "a link-local address"),
        ("2002:a9fe:a9fe::1", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("fe80::1%eth0", "a link-local address"),
        ("fd00:ec2::254", "a cloud's metadata address"),
        ("100.100.100.200", "a cloud's metadata address"),
        ("168.63.129.16", "a cloud's metadata address"),
        ("192.0.0.192", "a cloud's metadata address"),
        ("fd20:ce::254", "a cloud's metadata address"),
        ("::ffff:10.96.0.1", "the Kubernetes API server"),
        ("10.96.0.1", "the Kubernetes API server"),
        ("224.0.0.1", "no address of a single machine"),
        ("255.255.255.255", "no address of a single machine"),
        ("ff02::1", "no address of a single machine"),
    ],
)
@pytest.mark.parametrize("allowed", [(), ("the-host", "0.0.0.0/0", "::/0")])
def test_no_setting_allows_these(address: str, what: str, allowed: tuple[str, ...]) -> None:
    guard = Guard(allowed, frozenset({API_SERVER}))
    for found in ([address], ["93.184.216.34", address]):
        with pytest.raises(ForbiddenAddressError, match=f"the-host is {what}"):
            guard.check("the-host", [ip_address(each) for each in found])


@pytest.mark.parametrize(
    "address",
    ["10.96.0.10", "192.168.1.4", "172.16.0.1", "100.64.3.2", "fd12::1", "8.8.8.8", "2606:4700::1"],
)
def test_other_hosts_are_allowed_until_the_administrator_names_some(address: str) -> None:
    found = [ip_address(address)]
    Guard().check("vllm.models.svc", found)
    with pytest.raises(ForbiddenAddressError, match=r"allowedHosts in the chart's values"):
        Guard(("elsewhere",)).check("vllm.models.svc", found)


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("vllm.models.svc", "VLLM.models.svc."),
        ("*.models.svc", "vllm.models.svc"),
        ("*.svc", "vllm.models.svc"),
        ("10.0.0.0/8", "vllm.models.svc"),
        ("10.96.0.10", "10.96.0.10"),
        ("10.96.0.10", "anything"),
    ],
)
def test_a_host_is_allowed_by_name_by_domain_or_by_address(allowed: str, host: str) -> None:
    Guard((allowed,)).check(host, [ip_address("10.96.0.10")])


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("models.svc", "vllm.models.svc"),
        ("*.models.svc", "models.svc"),
        ("*.models.svc", "evilmodels.svc"),
        ("vllm.models.svc", "vllm.models.svc.evil.example"),
        ("10.96.0.0/29", "vllm.models.svc"),
    ],
)
def test_a_host_that_only_looks_alike_is_not_allowed(allowed: str, host: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        Guard((allowed,)).check(host, [ip_address("10.96.0.10")])


def test_all_addresses_of_a_host_must_be_in_an_allowed_range() -> None:
    guard = Guard(("10.0.0.0/8",))
    with pytest.raises(ForbiddenAddressError):
        guard.check("host", [ip_address("10.0.0.1"), ip_address("192.168.0.1")])


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]"])
def test_a_host_is_judged_by_what_it_resolves_to(host: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        Network().addresses(host)


def test_what_was_checked_is_connected_to() -> None:
    """A name that resolves to something else the second time gains nothing."""
    answers = iter([[read("10.0.0.1")], [read("127.0.0.1")]])
    reached: list[Address] = []

    def reach(address: Address) -> str:
        reached.append(address)
        return str(address)

    assert Network(resolve=lambda _: next(answers), reach=reach).addresses("host") == ["10.0.0.1"]
    assert reached == [read("10.0.0.1")]


def test_the_api_server_is_known_by_name_and_address() -> None:
    known = {"kubernetes.default.svc": "10.96.0.1", "10.96.0.1": "10.96.0.1", "else": "10.96.0.2"}
    network = replace(
        Network.of({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}),
        resolve=lambda host: [read(known[host])],
    )
    assert network.addresses("else") == ["10.96.0.2"]
    for host in ("kubernetes.default.svc", "10.96.0.1"):
        with pytest.raises(ForbiddenAddressError, match="the Kubernetes API server"):
            network.addresses(host)
