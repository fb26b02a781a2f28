"""Weights on this machine behind the Engine protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import uuid4

from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.constrained import Constraint, Constraints
from byzer_nb.backends.generation import Answer, LanguageModel, generate
from byzer_nb.backends.plan import Plan, Recommended, plan_answer
from byzer_nb.backends.tokenizer import Tokenizer
from byzer_nb.backends.worker import Worker
from byzer_nb.errors import BadInputError
from byzer_nb.types import Capabilities, ChatRequest, Delta, Message, ModelCard
from byzer_nb.types.abilities import check_tools_and_schema
from byzer_nb.types.options import OPTION_NAMES


def capabilities_with(template: ChatTemplate, *, schema: bool = True) -> Capabilities:
    """What every model can do that is run here; with a tokenizer that shows its rules, also hold to a schema."""
    return Capabilities(
        continues=True,
        schema=schema,
        tokenizer=True,
        chat_template=not template.is_plain,
        options=frozenset(OPTION_NAMES),
    )


class LocalEngine:
    """Any language model with its tokenizer and chat template, computing in one thread of its own."""

    def __init__(
        self,
        card: ModelCard,
        model: LanguageModel,
        *,
        tokenizer: Tokenizer,
        template: ChatTemplate,
        recommended: Recommended,
    ) -> None:
        self._card = card
        self._model = model
        self._tokenizer = tokenizer
        self._template = template
        self._recommended = recommended
        self._constraints = Constraints(tokenizer, end_ids=recommended.end_ids, model=card.model)
        self._worker = Worker(card.model)

    def describe(self) -> ModelCard:
        """The model's card."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer, token by token; concurrent requests take turns."""
        check_tools_and_schema(request, self._card)
        # Long prompts take a while to render and cut, so that too happens off the loop.
        answer = await self._worker.run(lambda: self._begin(request))
        deltas = generate(answer, worker=self._worker, request_id=uuid4().hex)
        async with aclosing(deltas):
            async for delta in deltas:
                yield delta

    def tokenize(self, text: str) -> tuple[int, ...]:
        """The ids of the text, without special tokens added."""
        return tuple(self._tokenizer.encode(text))

    def apply_template(self, messages: tuple[Message, ...]) -> str:
        """The text that the model really reads for these turns."""
        return self._template.render(messages)

    async def close(self) -> None:
        """End the thread; a request that is under way gets an error at its next token."""
        await self._worker.close()

    def _begin(self, request: ChatRequest) -> Answer:
        text = self._template.render(request.messages, continue_last=request.options.continue_last)
        prompt = self._tokenizer.encode(text)
        if not prompt:
            raise BadInputError(f"There is nothing to read for {self._card.model!r}: the messages come to no text.")
        plan = plan_answer(
            request.options,
            self._recommended,
            prompt_length=len(prompt),
            context_length=self._model.context_length,
            model=self._card.model,
        )
        return Answer(
            self._model, prompt, plan, tokenizer=self._tokenizer, constraint=self._constraint_of(request, plan)
        )

    def _constraint_of(self, request: ChatRequest, plan: Plan) -> Constraint | None:
        if request.schema is None:
            return None
        return self._constraints.begin(
            request.schema,
            max_tokens=plan.max_tokens,
            end_ids=plan.end_ids,
            begun=request.messages[-1].text if request.options.continue_last else "",
        )
