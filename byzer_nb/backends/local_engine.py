"""Weights on this machine behind the Engine protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cached_property
from uuid import uuid4

from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.constrained import Constraint, Constraints
from byzer_nb.backends.generation import Answer, LanguageModel, generate
from byzer_nb.backends.plan import Plan, Recommended, plan_answer, too_long
from byzer_nb.backends.token_size import bytes_of_a_token
from byzer_nb.backends.tokenizer import Tokenizer
from byzer_nb.backends.tool_form import CallReader, tool_form, with_calls
from byzer_nb.backends.worker import Worker
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import AnswerSchema, Capabilities, ChatRequest, Delta, Message, ModelCard
from byzer_nb.types.abilities import check_request
from byzer_nb.types.options import OPTION_NAMES


def capabilities_with(template: ChatTemplate, *, schema: bool = True) -> Capabilities:
    """What every model can do that is run here; with a tokenizer that shows its rules, also hold to a schema.

    It calls tools by itself if its template shows them to it and writes calls in a form that can be read.
    """
    return Capabilities(
        continues=True,
        completes=True,
        tools=tool_form(template) is not None,
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
        self._tool_form = tool_form(template) if card.capabilities.tools else None
        self._recommended = recommended
        self._constraints = Constraints(tokenizer, end_ids=recommended.end_ids, model=card.model)
        self._worker = Worker(card.model)

    def describe(self) -> ModelCard:
        """The model's card."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer, token by token; concurrent requests take turns."""
        check_request(request, self._card)
        # Long prompts take a while to render and cut, so that too happens off the loop.
        answer, reader = await self._worker.run(lambda: self._begin(request))
        deltas = generate(answer, worker=self._worker, request_id=uuid4().hex)
        if reader is not None:
            deltas = with_calls(deltas, reader)
        async with aclosing(deltas):
            async for delta in deltas:
                yield delta

    def tokenize(self, text: str) -> tuple[int, ...]:
        """The ids of the text, without special tokens added."""
        return tuple(self._tokenizer.encode(text))

    def detokenize(self, ids: tuple[int, ...]) -> str:
        """The text of the ids, special tokens written out."""
        if strange := [each for each in ids if not 0 <= each < self._tokenizer.size]:
            raise BadInputError(
                f"The model {self._card.model!r} has no token {strange[0]}.",
                hint=f"Its tokens go from 0 to {self._tokenizer.size - 1}.",
            )
        return self._tokenizer.write_out(ids)

    def apply_template(self, messages: tuple[Message, ...]) -> str:
        """The text that the model really reads for these turns."""
        return self._template.render(messages)

    async def close(self) -> None:
        """End the thread; a request that is under way gets an error at its next token."""
        await self._worker.close()

    def _begin(self, request: ChatRequest) -> tuple[Answer, CallReader | None]:
        schema, opening = request.schema, ""
        if request.tool_choice:
            schema, opening = self._forced(request)
        text = request.messages[0].text if request.is_raw else self._turns(request, opening)
        self._refuse_what_cannot_fit(text)
        prompt = self._tokenizer.encode_whole(text) if request.is_raw else self._tokenizer.encode(text)
        if not prompt:
            raise BadInputError(f"There is nothing to read for {self._card.model!r}: the messages come to no text.")
        plan = plan_answer(
            request.options,
            self._recommended,
            prompt_length=len(prompt),
            context_length=self._model.context_length,
            model=self._card.model,
        )
        answer = Answer(
            self._model,
            prompt,
            plan,
            tokenizer=self._tokenizer,
            constraint=self._constraint_of(request, schema, plan),
        )
        if not request.tools or self._tool_form is None:
            return answer, None
        return answer, CallReader(self._tool_form, request.tools, begun=opening)

    def _turns(self, request: ChatRequest, opening: str) -> str:
        text = self._template.render(request.messages, continue_last=request.options.continue_last, tools=request.tools)
        return text + opening

    def _refuse_what_cannot_fit(self, text: str) -> None:
        """Raise for a text that is too long however it is cut, for cutting megabytes takes many seconds."""
        limit = self._model.context_length
        if not limit or len(text) < limit:  # as nearly all are
            return
        if (
            self._bytes_of_a_token
            and (least := len(text.encode(errors="surrogatepass")) // self._bytes_of_a_token) >= limit
        ):
            raise too_long(f"at least {least}", limit, model=self._card.model)

    @cached_property
    def _bytes_of_a_token(self) -> int:
        try:
            return bytes_of_a_token(self._tokenizer.rules())
        except UnsupportedError:  # a tokenizer that shows no rules
            return 0

    def _forced(self, request: ChatRequest) -> tuple[AnswerSchema, str]:
        """What holds the answer to a call, and how that begins."""
        is_free = request.schema is None and not request.options.continue_last
        if self._tool_form is None or not self._card.capabilities.schema or not is_free:
            raise UnsupportedError(
                f"The model {self._card.model!r} cannot be made to call a tool.",
                hint="Leave the choice to it, or ask without a schema and a begun answer.",
            )
        chosen = [tool for tool in request.tools if request.tool_choice in ("required", tool.name)]
        return self._tool_form.choice_of(chosen), self._tool_form.opening

    def _constraint_of(self, request: ChatRequest, schema: AnswerSchema | None, plan: Plan) -> Constraint | None:
        if schema is None:
            return None
        return self._constraints.begin(
            schema,
            max_tokens=plan.max_tokens,
            end_ids=plan.end_ids,
            begun=request.messages[-1].text if request.options.continue_last else "",
        )
