"""The operator's settings, which it reads from the environment at start."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path

from pydantic import ValidationError

from ragwright_core.model import in_words
from ragwright_core.network import Outside
from ragwright_operator.settings.site import Allowed, Departure, Images, PodDefaults, Settings

Read = Callable[[str], str]

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
YES_OR_NO = ("true", "false")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# Every pipeline's settings and orders carry the bundle. Public authorities need not be in it.
LONGEST_CA_BUNDLE = 64 * 1024
_PROXY = re.compile(r"https?://[^\s/@]+/?")


class SettingsError(Exception):
    """A variable has a value that cannot be used. The message names the variable."""


def text_of(file: str) -> str:
    return Path(file).read_text()


def read_departure(environment: Mapping[str, str]) -> Departure:
    """Raises SettingsError."""
    namespace, _, name = environment.get("RAGWRIGHT_OPERATOR_ID", "").partition("/")
    if not namespace or not name:
        raise SettingsError(
            "RAGWRIGHT_OPERATOR_ID is not set: write the operator's Deployment as namespace/name"
        )
    return Departure(
        deployment=(namespace, name),
        namespaces=_list(environment, "RAGWRIGHT_WATCH_NAMESPACES"),
        log_level=_choice(environment, "RAGWRIGHT_LOG_LEVEL", LOG_LEVELS, 1),
    )


def read_settings(environment: Mapping[str, str], read: Read = text_of) -> Settings:
    """The settings from the environment, and from files that it names. Raises SettingsError."""
    return Settings(
        images=Images(
            ragwright=_image(environment, "RAGWRIGHT_IMAGE", "an API pod or a Job"),
            postgres=_image(environment, "RAGWRIGHT_POSTGRES_IMAGE", "managed Postgres"),
            redis=_image(environment, "RAGWRIGHT_REDIS_IMAGE", "managed Redis or Valkey"),
            pull_policy=_choice(environment, "RAGWRIGHT_IMAGE_PULL_POLICY", PULL_POLICIES, 1),
            assign_uids=_choice(environment, "RAGWRIGHT_ASSIGN_UIDS", YES_OR_NO, 0) == "true",
        ),
        allowed_hosts=_hosts(environment, "RAGWRIGHT_ALLOWED_HOSTS"),
        outside=Outside(
            ca_bundle=_ca_bundle(environment, "RAGWRIGHT_CA_FILE", read),
            https_proxy=_proxy(environment, "RAGWRIGHT_HTTPS_PROXY"),
            http_proxy=_proxy(environment, "RAGWRIGHT_HTTP_PROXY"),
            no_proxy=list(_list(environment, "RAGWRIGHT_NO_PROXY")),
        ),
        pods=_pods(environment, "RAGWRIGHT_POD_TEMPLATE"),
        allowed=Allowed(
            images=_list(environment, "RAGWRIGHT_ALLOWED_IMAGES"),
            annotations=_list(environment, "RAGWRIGHT_ALLOWED_POD_ANNOTATIONS"),
        ),
        namespaces=_list(environment, "RAGWRIGHT_WATCH_NAMESPACES"),
        resync_seconds=_seconds(environment, "RAGWRIGHT_RESYNC_SECONDS", 30),
        operator_id=environment.get("RAGWRIGHT_OPERATOR_ID", ""),
        log_level=_choice(environment, "RAGWRIGHT_LOG_LEVEL", LOG_LEVELS, 1),
    )


def _image(environment: Mapping[str, str], name: str, what: str) -> str:
    """An image, which has no default here: the chart's values are the only place for defaults."""
    if image := environment.get(name, ""):
        return image
    raise SettingsError(f"{name} is not set: name the image that {what} is made from")


def _list(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    items = environment.get(name, "").split(",")
    return tuple(item.strip() for item in items if item.strip())


def _hosts(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """A range that cannot be read would silently allow nothing, and a URL likewise."""
    found = _list(environment, name)
    for host in found:
        if not _HOST.fullmatch(host) and not _is_range(host):
            raise SettingsError(
                f"{name} holds {host!r}: write host names, domains as *.example.com, addresses, or "
                "ranges as 10.0.0.0/8"
            )
    return found


def _ca_bundle(environment: Mapping[str, str], name: str, read: Read) -> str:
    """Certificates alone: it is written into ConfigMaps, where a private key must not stand."""
    file = environment.get(name, "")
    if not file:
        return ""
    try:
        text = read(file)
        found = _CERTIFICATE.findall(text)
        ssl.create_default_context(cadata="\n".join(found))
    except OSError as error:  # an ssl.SSLError, too
        raise SettingsError(f"{name} names {file}, which cannot be read: {error}") from None
    except ValueError:
        found = []
    if not found:
        raise SettingsError(f"{name} names {file}, which holds no certificate in PEM")
    bundle = "".join(f"{certificate}\n" for certificate in found)
    if len(bundle) > LONGEST_CA_BUNDLE:
        raise SettingsError(
            f"{name} names {file}, whose certificates have {len(bundle)} bytes, and at most "
            f"{LONGEST_CA_BUNDLE} are taken: name your own authorities alone, the public ones are "
            "trusted in any case"
        )
    return bundle


def _pods(environment: Mapping[str, str], name: str) -> PodDefaults:
    try:
        return PodDefaults.model_validate_json(environment.get(name) or "{}")
    except ValidationError as error:
        raise SettingsError(f"{name} cannot be used: {in_words(error)}") from None


def _proxy(environment: Mapping[str, str], name: str) -> str:
    proxy = environment.get(name, "")
    if proxy and not _PROXY.fullmatch(proxy):
        raise SettingsError(
            f"{name} is no proxy's URL: write http://host:port, without a login, which would stand "
            "in ConfigMaps"
        )
    return proxy


def _is_range(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _choice(
    environment: Mapping[str, str], name: str, choices: tuple[str, ...], default: int
) -> str:
    value = environment.get(name) or choices[default]
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}: write one of {', '.join(choices)}")
    return value


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 3600:
        raise SettingsError(f"{name} is {text!r}: write seconds between 1 and 3600")
    return value
