"""`stream_chat_oai`: answers that grow."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace

from byzer_nb._sync import iterate
from byzer_nb.errors import UnsupportedError
from byzer_nb.seed.media_requests import MediaRequest, chunk_size
from byzer_nb.seed.responses import SingleOutputMeta, StreamItem
from byzer_nb.seed.speaking import Config, Conversations, Speaking
from byzer_nb.types import Delta, Message, SpeakRequest


class Streaming(Speaking):
    """The calls that give an answer piece by piece."""

    def stream_chat_oai(
        self,
        conversations: Conversations,
        model: str | None = None,
        role_mapping: Mapping[str, str] | None = None,
        delta_mode: bool = False,
        llm_config: Config = None,
        extra_request_params: Config = None,
    ) -> Iterator[StreamItem]:
        """Pairs of text and meta: the text so far, or with `delta_mode` only the new piece."""
        return iterate(
            self.async_stream_chat_oai(
                conversations,
                model=model,
                role_mapping=role_mapping,
                delta_mode=delta_mode,
                llm_config=llm_config,
                extra_request_params=extra_request_params,
            )
        )

    async def async_stream_chat_oai(
        self,
        conversations: Conversations,
        model: str | None = None,
        role_mapping: Mapping[str, str] | None = None,
        delta_mode: bool = False,
        llm_config: Config = None,
        extra_request_params: Config = None,
    ) -> AsyncGenerator[StreamItem, None]:
        """Pairs of text and meta: the text so far, or with `delta_mode` only the new piece."""
        started = time.perf_counter()
        name = self.chat_model(model)
        messages = self.turns(name, conversations)
        request = await self.media_request(name, messages, llm_config, extra_request_params)
        if request is not None:
            async with aclosing(self._sound(name, request, messages, started=started)) as items:
                async for item in items:
                    yield item
            return
        options = await self.options_for(name, llm_config, extra_request_params)
        text = reasoning = ""
        meta = SingleOutputMeta()
        async with aclosing(self.deltas(name, messages, options)) as deltas:
            async for delta in deltas:
                text += delta.text
                reasoning += delta.reasoning
                meta = _after(delta, meta, reasoning=delta.reasoning if delta_mode else reasoning, started=started)
                yield StreamItem(delta.text if delta_mode else text, meta)

    async def _sound(
        self, name: str, request: MediaRequest, messages: tuple[Message, ...], *, started: float
    ) -> AsyncGenerator[StreamItem, None]:
        """Pairs of new bytes and meta; pictures do not come in pieces."""
        if not isinstance(request, SpeakRequest):
            raise UnsupportedError(f"The model {name!r} does not support stream chat.", hint="Call chat_oai() instead.")
        meta = SingleOutputMeta()
        async with aclosing(self.client.stream_speech(request, model=name)) as pieces:
            async for piece in _sized(pieces, chunk_size(messages)):
                if not meta.first_token_time:
                    meta = replace(meta, first_token_time=time.perf_counter() - started)
                yield StreamItem(piece, meta)


async def _sized(pieces: AsyncGenerator[bytes, None], size: int) -> AsyncGenerator[bytes, None]:
    """The same bytes, so many at a time; 0 leaves them as they come."""
    kept = b""
    async for piece in pieces:
        kept += piece
        while len(kept) >= max(size, 1):
            end = size or len(kept)
            yield kept[:end]
            kept = kept[end:]
    if kept:
        yield kept


def _after(delta: Delta, meta: SingleOutputMeta, *, reasoning: str, started: float) -> SingleOutputMeta:
    """What is known once this piece is there; each item has its own, which stays as it is."""
    after = replace(meta, reasoning_content=reasoning, finish_reason=delta.finish_reason or meta.finish_reason)
    if delta.usage is not None:
        after.input_tokens_count = delta.usage.input_tokens
        after.generated_tokens_count = delta.usage.output_tokens
    if not meta.first_token_time and (delta.text or delta.reasoning):
        after.first_token_time = time.perf_counter() - started
    return after
