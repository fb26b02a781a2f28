"""`emb` and `emb_query`: texts as vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byzer_nb._sync import run
from byzer_nb.errors import BadInputError
from byzer_nb.seed.llm_config import read_llm_config, whole_number
from byzer_nb.seed.responses import LLMRequest, LLMResponse, Results
from byzer_nb.seed.speaking import Config, Speaking


class Embedding(Speaking):
    """The calls that give vectors."""

    def emb(
        self, model: str | None, request: LLMRequest | Sequence[str] | str, extract_params: Config = None
    ) -> Results[LLMResponse]:
        """One response for each text, whose `output` is its vector; without a model the default one embeds."""
        return run(self._emb(model, request, extract_params or {}))

    def emb_query(self, text: str, model: str | None = None) -> Results[LLMResponse]:
        """The vector of one text."""
        return self.emb(model, LLMRequest(instruction=text))

    async def _emb(
        self, model: str | None, request: LLMRequest | Sequence[str] | str, extract_params: Mapping[str, object]
    ) -> Results[LLMResponse]:
        name = model or self.default_emb_model_name
        if not name:
            raise BadInputError(
                "model name is required", hint="Pass it, or call setup_default_emb_model_name(name) once."
            )
        if isinstance(request, LLMRequest):
            texts = request.instructions()
        else:
            texts = LLMRequest(instruction=request if isinstance(request, str) else list(request)).instructions()
        asked = read_llm_config(self._of(name).generation, extract_params).extra.get("dimensions")
        dimensions = None if asked is None else whole_number("gen.dimensions", asked)
        reply = await self.client.embed(texts, model=name, dimensions=dimensions)
        return Results(
            LLMResponse(
                output=list(vector),
                input=text,
                # The provider counts a batch as a whole, so the count stands once and sums stay right.
                metadata={
                    "input_tokens_count": reply.usage.input_tokens if position == 0 else 0,
                    "generated_tokens_count": 0,
                },
            )
            for position, (text, vector) in enumerate(zip(texts, reply.vectors, strict=True))
        )
