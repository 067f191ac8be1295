"""Whether a call of a webhook comes from somebody who knows its Secret. Pure.

Every scheme takes the same Secret, so that a source need not say which server calls. All compare in
constant time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError

_STANDARD = "webhook-signature"  # Standard Webhooks
_GITLAB = "x-gitlab-token"
_SHA256 = "sha256="
# GitHub, Gitea and Forgejo write the first, Bitbucket the second.
_HMACS = ("x-hub-signature-256", "x-hub-signature")
_STANDARD_SECRET = "whsec_"


class UnsignedError(Exception):
    """The call shows no signature, or a wrong or an old one. The message is for the caller."""


def check(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raises UnsignedError unless the call is signed with the Secret."""
    if _STANDARD in headers:
        _check_standard(headers, body, secret)
    elif signatures := [headers[name] for name in _HMACS if name in headers]:
        _check_hmac(signatures, body, secret)
    elif _GITLAB in headers:
        if not _same(headers[_GITLAB], secret):
            raise UnsignedError("the secret token is another than the Secret's")
    else:
        raise UnsignedError(
            "the call is not signed: enter the Secret's value as the webhook's secret (GitLab: "
            "secret token) where it is sent from"
        )


def call_id(headers: Mapping[str, str], body: bytes) -> str:
    """What a repeated call has in common with the first: its id, where that is signed."""
    given = headers.get("webhook-id", "").encode() if _STANDARD in headers else body
    return hashlib.sha256(given).hexdigest()[:32]


def _check_hmac(signatures: list[str], body: bytes, secret: str) -> None:
    expected = _SHA256 + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not any(shown.startswith(_SHA256) for shown in signatures):
        raise UnsignedError("the signature is no sha256=...: older ones are not accepted")
    if not any(_same(shown, expected) for shown in signatures):
        raise UnsignedError("the signature does not fit: it was made with another secret")


def _check_standard(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    # As text, the library would take any word for base64, and leave out what is none.
    key: str | bytes = secret if secret.startswith(_STANDARD_SECRET) else secret.encode()
    try:
        Webhook(key).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        raise UnsignedError(f"the signature does not fit: {error}") from None
    except (ValueError, OverflowError):  # no base64, no UTF-8, no list of signatures
        raise UnsignedError("the signature cannot be read: see standardwebhooks.com") from None


def _same(shown: str, expected: str) -> bool:
    return hmac.compare_digest(shown.encode(), expected.encode())
