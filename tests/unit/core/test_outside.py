"""Which URLs go by which proxy, and how long an authority is trusted."""

from __future__ import annotations

import os
import ssl
from ipaddress import ip_address
from pathlib import Path

import certifi
import pytest

from ragwright_core.network import ForbiddenAddressError, Network, Outside, trusting

NONE_FOR = [".svc", "example.org", "*.corp", "10.0.0.0/8", "fd00::/8", " 192.0.2.7 "]
PROXIES = Outside(https_proxy="http://s:1", http_proxy="http://p:2", no_proxy=NONE_FOR)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.openai.com/v1", "http://s:1"),
        ("http://api.openai.com/v1", "http://p:2"),
        ("http://models.team.svc:8000/v1", ""),
        ("https://example.org", ""),
        ("https://git.example.org./x", ""),
        ("https://notexample.org", "http://s:1"),
        ("https://git.corp", ""),
        ("https://10.1.2.3/x", ""),
        ("https://11.1.2.3/x", "http://s:1"),
        ("https://[fd00::1]/x", ""),
        ("https://192.0.2.7/x", ""),
        ("https://[broken", ""),
    ],
)
def test_the_proxy_of_a_url(url: str, proxy: str) -> None:
    assert Network().through(PROXIES).proxy_of(url) == proxy


def test_a_star_is_every_host_and_nothing_is_none() -> None:
    assert not Network().through(Outside(https_proxy="x", no_proxy=["*"])).proxy_of("https://a.b")
    assert Network().through(Outside(https_proxy="x", no_proxy=[""])).proxy_of("https://a.b") == "x"
    assert Network().proxy_of("https://a.b") == ""


def unknown(host: str) -> list[object]:
    raise OSError(host)


def test_what_is_refused_is_refused_by_a_proxy_too() -> None:
    metadata = Network(resolve=lambda _: [ip_address("169.254.169.254")])
    with pytest.raises(ForbiddenAddressError):
        metadata.check_proxied("innocent.example")
    network = Network(resolve=unknown)  # type: ignore[arg-type]
    network.check_proxied("known.to.the.proxy")
    with pytest.raises(ForbiddenAddressError, match="not among the hosts"):
        network.allowing(["other.example", "10.0.0.0/8"]).check_proxied("known.to.the.proxy")
    network.allowing(["*.the.proxy"]).check_proxied("known.to.the.proxy")


def test_authorities_are_trusted_beside_the_public_ones_and_not_for_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = Path(certifi.where()).read_text()
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with trusting("", tmp_path):
        assert "SSL_CERT_FILE" not in os.environ
    with trusting("# ours\n", tmp_path):
        file = os.environ["SSL_CERT_FILE"]
        assert Path(file).read_text() == f"{public.rstrip()}\n# ours\n"
        assert ssl.create_default_context(cafile=file).get_ca_certs()
        with trusting("# more\n", tmp_path.parent):
            assert "# ours\n# more\n" in Path(os.environ["SSL_CERT_FILE"]).read_text()
        assert os.environ["SSL_CERT_FILE"] == file
    assert "SSL_CERT_FILE" not in os.environ
