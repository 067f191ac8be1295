"""Small documents whose every sentence carries its revision, and questions about them."""

from __future__ import annotations

from dev.demo.judge import stamp

_TEXTS = {
    "refunds.md": "The refund policy gives your money back within thirty days. A receipt is asked.",
    "shipping.md": "Parcels are shipped from Hamburg on every working day. Shipping costs nothing.",
    "warranty.md": "The warranty covers every broken part for two years. Batteries have one year.",
    "returns.md": "Returns are sent to the warehouse in Bremen. The label lies in the parcel.",
    "payment.md": "Payment is taken by card or by bank transfer. An invoice comes by mail.",
    "support.md": "Support answers the phone from eight to six. At night it answers mail.",
}
QUESTIONS = (
    "What is the refund policy?",
    "Where are parcels shipped from?",
    "How long is the warranty on a broken part?",
    "Where are returns sent to?",
    "How is payment taken?",
    "When does support answer the phone?",
)


def documents(revision: int) -> dict[str, str]:
    return {name: stamp(text, revision) for name, text in _TEXTS.items()}
