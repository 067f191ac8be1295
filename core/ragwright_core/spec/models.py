"""The models: for vectors and for answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.spec.fields import HttpUrl, SecretKey, rule, rules

WORDLLAMA = "wordllama"
MINILM = "minilm"


class Embedding(Model):
    model_config = rules(
        rule(
            "self.provider != 'openai' || (has(self.baseUrl) && has(self.dimensions) && "
            "self.model != 'wordllama')",
            "embedding.provider openai needs baseUrl, model and dimensions",
        ),
        rule(
            "self.provider != 'embedded' || "
            "(self.model in ['wordllama', 'minilm'] && !has(self.baseUrl))",
            "embedding.provider embedded knows the models wordllama and minilm, and takes no "
            "baseUrl; for an endpoint write provider: openai",
        ),
        rule(
            "self.provider != 'embedded' || self.model != 'wordllama' || !has(self.dimensions) || "
            "self.dimensions in [64, 128, 256]",
            "the model wordllama has 64, 128 or 256 dimensions",
        ),
        rule(
            "self.provider != 'embedded' || self.model != 'minilm' || !has(self.dimensions) || "
            "self.dimensions == 384",
            "the model minilm has 384 dimensions",
        ),
    )

    provider: Literal["embedded", "openai"] = Field(
        "embedded", description="`openai` is any endpoint that speaks its embeddings protocol."
    )
    model: str = Field(
        WORDLLAMA,
        min_length=1,
        max_length=200,
        description="Embedded: `wordllama` (static, microseconds a text) or `minilm` (finds more; "
        "some 30 ms of one CPU for a chunk).",
    )
    dimensions: int | None = Field(None, ge=1, le=4000, description="Default: the model's own.")
    base_url: HttpUrl | None = None
    secret_key_ref: SecretKey | None = Field(None, description="Holds the endpoint's API key.")
    document_prefix: str = Field("", max_length=200)
    query_prefix: str = Field("", max_length=200)


class Llm(Model):
    model_config = rules(
        rule(
            "self.provider != 'openai' || (has(self.baseUrl) && has(self.model))",
            "llm.provider openai needs baseUrl and model",
        )
    )

    provider: Literal["extractive", "openai"] = Field(
        "extractive", description="`extractive` quotes the best sentences and needs no network."
    )
    model: str | None = Field(None, min_length=1, max_length=200)
    base_url: HttpUrl | None = None
    secret_key_ref: SecretKey | None = Field(None, description="Holds the endpoint's API key.")
    max_tokens: int = Field(512, ge=1, le=32000)
    timeout_seconds: int = Field(
        20, ge=1, le=300, description="For one try of three; then the caller is told 503."
    )
    instructions: str | None = Field(
        None,
        min_length=1,
        max_length=4000,
        description="How to answer: tone, language, length. Default: from the documents alone, in "
        "the question's language. What the model must know to read the documents is added.",
    )
