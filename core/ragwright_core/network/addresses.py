"""What an address is, and whether anything of a pipeline may contact it. Pure."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
AddressRange = IPv4Network | IPv6Network

# Clouds serve credentials of the machine here, outside the link-local range: AWS, Alibaba, Azure,
# Google, Oracle, Linode, Scaleway.
_METADATA = tuple(
    map(
        ip_network,
        (
            "fd00:ec2::/32",
            "100.100.100.200/32",
            "168.63.129.16/32",
            "fd20:ce::254/128",
            "192.0.0.192/32",
            "fd00:a9fe:a9fe::/48",
            "fd00:42::42/128",
        ),
    )
)
# An IPv4 address stands in the last 32 bits of these: a gateway would contact it.
_WITH_IPV4 = tuple(map(ip_network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")))


def plain(address: Address) -> Address:
    """The IPv4 address within an IPv6 one, in any of the forms in which it is still contacted."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if int(address) > 1 and any(address in found for found in _WITH_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return IPv6Address(int(address))  # without its zone


def read(text: str) -> Address:
    """The address of a resolver's answer, which may end with a zone. Raises ValueError."""
    return plain(ip_address(text))


def never(address: Address) -> str | None:
    """What an address is that nothing of a pipeline may contact; None for any other."""
    address = plain(address)
    if any(address in found for found in _METADATA if found.version == address.version):
        return "a cloud's metadata address"
    if address.is_loopback or address.is_unspecified or address in ip_network("0.0.0.0/8"):
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast or (isinstance(address, IPv4Address) and address.is_reserved):
        return "no address of a single machine"
    return None
