"""A model's own view of a text: its tokens, its chat template, its limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from byzer_nb._sync import run
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.seed.content import read_conversations
from byzer_nb.seed.responses import LLMResponse, Results
from byzer_nb.seed.speaking import Config, Speaking


@dataclass
class LLMMetadata:
    """What is known of the default model, in the words of other toolkits."""

    context_window: int = 3900
    num_output: int = 256
    is_chat_model: bool = False
    is_function_calling_model: bool = False
    model_name: str = "unknown"


class Tokens(Speaking):
    """The calls that need a tokenizer."""

    def apply_chat_template(
        self, model: str, json_messages: str | Sequence[Mapping[str, Any]], llm_config: Config = None
    ) -> str:
        """The text that a model reads for a conversation, which is given as JSON or as a list."""
        conversations: Any = json_messages  # Any: checked by the reader of conversations
        if isinstance(json_messages, str):
            try:
                conversations = json.loads(json_messages)
            except ValueError as wrong:
                raise BadInputError(f"json_messages is no JSON: {wrong}", hint="json.dumps(conversations)") from wrong
        return run(self.client.apply_template(read_conversations(conversations), model=self._named(model)))

    def tokenize(self, model: str, text: str, llm_config: Config = None) -> Results[LLMResponse]:
        """The ids of a text's tokens: `v[0].output[0]` is their list."""
        ids = run(self.client.tokenize(text, model=self._named(model)))
        return Results([LLMResponse(output=[list(ids)], input=text)])

    def abort(self, request_id: str, model: str | None = None) -> NoReturn:
        """End a request by its id; leaving the loop over a stream ends it without one."""
        raise UnsupportedError(
            f"The model {self.chat_model(model)!r} ends no request by its id.",
            hint="Leave the loop over the stream, or interrupt the cell: that stops the model.",
        )

    @property
    def metadata(self) -> LLMMetadata:
        """What is known of the default model."""
        name = self.chat_model(None)
        card = self.card(name)
        return LLMMetadata(
            context_window=card.context_length,
            num_output=self.get_max_output_length(name) or 0,
            is_chat_model=card.capabilities.chat,
            model_name=card.model,
        )
