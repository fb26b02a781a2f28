"""The long tail of vendors, through the package litellm: for models that no provider of ours speaks to directly."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from types import ModuleType
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

from yarl import URL

from byzer_nb._extras import require
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.providers import openai_wire
from byzer_nb.providers.litellm_answers import ChunkReading, vectors, whole_answer
from byzer_nb.providers.litellm_failures import failure_of
from byzer_nb.providers.openai_dialect import openai_card
from byzer_nb.providers.openai_hosts import EVERY, NONE, OPENAI_OPTIONS, Host
from byzer_nb.providers.openai_presets import read_base_url
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra
from byzer_nb.providers.wire.batches import in_batches
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Lost, Patience
from byzer_nb.providers.wire.retry import Backoff, retrying
from byzer_nb.providers.wire.route_settings import read_patience, read_url
from byzer_nb.types import ChatRequest, Delta, DeploySpec, EmbedReply, EmbedRequest, ModelCard, Secret
from byzer_nb.types.abilities import check_request
from byzer_nb.types.masking import Mask
from byzer_nb.types.settings import Settings

T = TypeVar("T")

EXTRA = "litellm"
WHY = "The engine 'saas/litellm'"
EXAMPLE_URL = "https://api.openai.com/v1"
MOST_TEXTS = 96  # a call; the most modest of the vendors takes no more
PRICES = "LITELLM_LOCAL_MODEL_COST_MAP"  # read when the package is imported: no price list from the network
_SETTING = "Give it as a setting of the model."
_DECIDED_BY_THE_SETTINGS = dict.fromkeys(
    ("api_key", "api_base", "base_url", "timeout", "max_retries", "num_retries"), _SETTING
)


class LiteLLM:
    """A model of any vendor that litellm knows.

    litellm keeps one pool of connections for all who call it in this process; the last of our engines closes it.
    """

    _open: ClassVar[WeakSet[LiteLLM]] = WeakSet()

    def __init__(
        self,
        litellm: ModuleType,
        speaker: Speaker,
        *,
        called: Called,
        key: Secret,
        base_url: str,
        patience: Patience,
        backoff: Backoff,
    ) -> None:
        self._litellm = litellm
        self._speaker = speaker
        self._called = called
        self._card = openai_card(speaker, called, continues=False)
        self._key = key
        self._base_url = base_url
        self._patience = patience
        self._backoff = backoff
        self._is_closed = False
        self._steps: set[asyncio.Task[Any]] = set()  # from any loop; each takes itself out
        self._open.add(self)

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> LiteLLM:
        """The engine for a spec whose settings are those of `saas/litellm`, without the prefix."""
        settings = Settings(spec)
        model = settings.needed("model")
        litellm = imported()
        vendor = vendor_of(model, litellm)
        url = _base_url(settings, vendor)
        patience = read_patience(settings)
        backoff = Backoff(retries=settings.whole("max_retries", default=10))
        # Some vendors need no key, and litellm finds those of others in the environment.
        key = settings.secret("api_key") if settings.value("api_key") else Secret("")
        settings.warn_about_the_rest()
        called = Called(
            provider=spec.engine,
            alias=spec.name,
            model=model,
            address=url.authority if url else f"{vendor}, through litellm",
            mask=Mask((key,)),
        )
        return cls(
            litellm,
            Speaker(model=model, host=habits(model, litellm)),
            called=called,
            key=key,
            base_url=str(url or ""),
            patience=patience,
            backoff=backoff,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._called})"

    def describe(self) -> ModelCard:
        """The model's card; which options the vendor takes, litellm knows."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer: one delta for each piece that arrives, or a single one when nobody watches."""
        if not self._card.capabilities.chat:
            raise UnsupportedError(
                f"{self._called} is an embedding model and does not chat.", hint="Ask it with emb(...)."
            )
        check_request(request, self._card)
        if request.options.continue_last:
            raise UnsupportedError(
                f"{self._called} cannot continue a begun answer.", hint="Leave out the last assistant message."
            )
        clock = Clock(request.options.timeout or self._patience.total)
        if not request.stream:
            answer = await self._retrying(lambda: self._step(self._chat(request), clock), clock)
            yield whole_answer(answer, self._called)
            return
        reading = ChunkReading(self._called)
        stream, delta = await self._retrying(lambda: self._begun(request, reading, clock), clock)
        try:
            yield delta
            while delta.finish_reason is None:
                delta = await self._next(stream, reading, clock, wait=self._patience.idle)
                yield delta
        finally:
            await stream.aclose()

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        """One vector a text."""
        return await in_batches(request, most=MOST_TEXTS, ask=self._embedded)

    async def close(self) -> None:
        """Let go of whoever reads an answer, and of litellm's connections if nobody else is left; once is enough."""
        if self._is_closed:
            return
        self._is_closed = True
        for step in list(self._steps):
            with contextlib.suppress(RuntimeError):  # a loop that has ended has no reader left
                step.get_loop().call_soon_threadsafe(step.cancel)
        self._open.discard(self)
        if not self._open:
            await self._litellm.close_litellm_async_clients()
            self._litellm.in_memory_llm_clients_cache.flush_cache()  # what is closed is not used again

    async def _embedded(self, request: EmbedRequest) -> EmbedReply:
        clock = Clock(self._patience.total)
        answer = await self._retrying(lambda: self._step(self._embed(request), clock), clock)
        return vectors(answer, self._called, texts=len(request.texts))

    # -- what is asked of litellm; no error of ours may start in these two, for the key stands in their frames ---------

    def _chat(self, request: ChatRequest) -> Coroutine[Any, Any, Any]:  # Any: litellm's own objects
        body = openai_wire.chat_body(request, self._speaker)
        checked_extra(request.options.extra, _DECIDED_BY_THE_SETTINGS)
        answer: Coroutine[Any, Any, Any] = self._litellm.acompletion(**body, **self._way())
        return answer

    def _embed(self, request: EmbedRequest) -> Coroutine[Any, Any, Any]:  # Any: litellm's own objects
        body = openai_wire.embed_body(request, self._speaker.model)
        answer: Coroutine[Any, Any, Any] = self._litellm.aembedding(**body, **self._way())
        return answer

    def _way(self) -> dict[str, Any]:  # Any: keyword arguments
        """How to get there. Tries are ours to count, and its patience must not end before ours."""
        return {
            "api_key": self._key.reveal() or None,
            "api_base": self._base_url or None,
            "timeout": max(self._patience.first_token, self._patience.idle),
            "max_retries": 0,
            "num_retries": 0,
        }

    # -- one step after the other --------------------------------------------------------------------------------------

    async def _retrying(self, attempt: Callable[[], Awaitable[T]], clock: Clock) -> T:
        return await retrying(attempt, backoff=self._backoff, deadline=clock.deadline)

    async def _begun(self, request: ChatRequest, reading: ChunkReading, clock: Clock) -> tuple[Any, Delta]:
        """A stream and its first delta: all that goes wrong before the first word can still be tried again."""
        stream = await self._step(self._chat(request), clock)
        try:
            return stream, await self._next(stream, reading, clock, wait=self._patience.first_token)
        except BaseException:
            await stream.aclose()
            raise

    async def _next(self, stream: Any, reading: ChunkReading, clock: Clock, *, wait: float) -> Delta:
        """The next delta that says something, or the last one."""
        while True:
            chunk = await self._step(_next_chunk(stream), clock, wait=wait)
            if chunk is None:
                return reading.last(stream)
            if (delta := reading.read(chunk)) is not None:
                return delta

    async def _step(self, work: Coroutine[Any, Any, T], clock: Clock, *, wait: float | None = None) -> T:
        """What litellm gives; what it raises becomes an error of ours, with no link to a frame that holds the key."""
        if self._is_closed:
            work.close()
            raise failures.closed(self._called)
        found = await self._tried(work, clock, wait=self._patience.first_token if wait is None else wait)
        if isinstance(found, Lost):
            raise found.failure
        return found

    async def _tried(self, work: Coroutine[Any, Any, T], clock: Clock, *, wait: float) -> T | Lost:
        step = asyncio.ensure_future(work)
        self._steps.add(step)
        step.add_done_callback(self._steps.discard)
        until, is_limit = clock.until(wait)
        try:
            async with asyncio.timeout_at(until):
                return await step
        except TimeoutError as late:
            if is_limit:
                return Lost(failure=failures.from_exception(late, self._called, seconds=clock.limit))
            return Lost(failure=failures.was_silent(self._called))
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if self._is_closed and not (waiting is not None and waiting.cancelling()):
                return Lost(failure=failures.closed(self._called))
        except self._litellm.exceptions.openai.OpenAIError as original:  # the root of all that it raises
            return Lost(
                failure=failures.closed(self._called) if self._is_closed else failure_of(original, self._called)
            )
        raise asyncio.CancelledError  # a new one: the other comes from frames that hold the key


class Clock:
    """How long a whole call may take, counted from now in the running loop."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.deadline = None if limit is None else asyncio.get_running_loop().time() + limit

    def until(self, wait: float) -> tuple[float, bool]:
        """When a wait of so many seconds is over, and whether the limit of the call ends it."""
        patience = asyncio.get_running_loop().time() + wait
        if self.deadline is None or patience < self.deadline:
            return patience, False
        return self.deadline, True


def imported() -> ModuleType:
    """The package, set up unless somebody did so before; it prints no advice of its own."""
    os.environ.setdefault(PRICES, "True")
    litellm: Any = require("litellm", extra=EXTRA, why=WHY)  # Any: a flag of it is set
    litellm.suppress_debug_info = True
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = 2**31  # a row of equal pieces is an answer too
    module: ModuleType = litellm
    return module


def vendor_of(model: str, litellm: ModuleType) -> str:
    """Whose model it is, as litellm reads the name."""
    try:
        _, vendor, _, _ = litellm.get_llm_provider(model=model)
    except litellm.exceptions.BadRequestError:
        vendor = ""
    if not vendor:
        raise BadInputError(
            f"litellm does not know whose model {model!r} is.", hint="Write the vendor before it: openai/gpt-4o"
        )
    return str(vendor)


def habits(model: str, litellm: ModuleType) -> Host:
    """What the vendor takes, as litellm knows it."""
    taken = {*(litellm.get_supported_openai_params(model=model) or ()), "timeout", "extra"}
    return Host(
        options=(OPENAI_OPTIONS & taken) - {"continue_last"},
        no_tools=NONE if "tools" in taken else EVERY,
        no_forcing=NONE if "tool_choice" in taken else EVERY,
    )


def _base_url(settings: Settings, vendor: str) -> URL | None:
    """Where to ask, if not at the vendor's usual address; litellm adds the version to it, but not for OpenAI."""
    if not settings.value("base_url"):
        return None
    read = read_base_url if vendor == "openai" else read_url
    return read(settings, "base_url", default=EXAMPLE_URL)


async def _next_chunk(stream: Any) -> Any:  # Any: litellm's own objects
    return await anext(stream, None)
