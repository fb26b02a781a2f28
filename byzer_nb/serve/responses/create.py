"""`POST /v1/responses`: answered at once, piece by piece, or in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from byzer_nb.errors import ByzerError
from byzer_nb.serve.asking import Asking
from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.keys import Guest
from byzer_nb.serve.openai.fields import refused
from byzer_nb.serve.refusals import refusal_of
from byzer_nb.serve.requests_log import Entry
from byzer_nb.serve.responses.body import ResponseBody, facts_of, question_of
from byzer_nb.serve.responses.found import found
from byzer_nb.serve.responses.items import listed_items
from byzer_nb.serve.responses.kept import Kept
from byzer_nb.serve.responses.run import Run
from byzer_nb.serve.responses.telling import token_for
from byzer_nb.serve.responses.truncation import fitted
from byzer_nb.serve.responses.writing import Writing, WritingDialect
from byzer_nb.types import FinishReason, Message, Usage

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

_read = msgspec.json.Decoder(ResponseBody)
log = logging.getLogger("byzer_nb.serve")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A response that is to be made: the question, where it is written down, and what was said until now."""

    body: ResponseBody
    model: str
    ask: Asking
    writing: Writing
    said: tuple[Message, ...]

    @property
    def conversation(self) -> tuple[Message, ...]:
        """What was said, and what was answered so far."""
        return (*self.said, *self.writing.turn())

    def kept(self, caller: str, *, body: bytes | Callable[[], bytes], run: Run | None = None) -> Kept:
        """The response as it is kept."""
        return Kept(
            self.writing.id,
            caller=caller,
            items=msgspec.json.encode(listed_items(self.body.input)),
            conversation=self.conversation,
            body=body,
            run=run,
        )


async def create_response(exchange: Exchange, gateway: Gateway) -> None:
    """Make a response."""
    body = await exchange.read(_read)
    async with exchange.attended():
        job = await _job(exchange, gateway, body)
        if body.background:
            await _in_background(exchange, gateway, job)
            return
        exchange.entry.asking(job.model, is_stream=bool(body.stream))
        if body.stream:
            exchange.dialect = WritingDialect(job.writing)
            await exchange.stream(_stream(exchange, gateway, job))
            return
        reply = await job.ask.whole()
        exchange.entry.heard()
        exchange.entry.usage = reply.usage
        for _ in (*job.writing.begin(), *job.writing.pieces(reply.as_delta()), *job.writing.end(reply.finish_reason)):
            pass  # nobody listens to events
        answer = job.writing.state()
        if body.is_kept:
            gateway.responses.add(job.kept(exchange.caller, body=answer))
        await exchange.answer(answer)


async def _job(exchange: Exchange, gateway: Gateway, body: ResponseBody) -> Job:
    model, card = await gateway.card(body.model)
    before: tuple[Message, ...] = ()
    if body.previous_response_id is not None:
        previous = await found(
            exchange, gateway, body.previous_response_id, param="previous_response_id", part="conversation"
        )
        if previous.is_running:
            raise refused("previous_response_id", f"{previous.id!r} is still being made.")
        before = previous.conversation
    question, told = question_of(body, model, card, before=before)
    said = question.messages[1:] if body.instructions else question.messages  # they hold for one response alone
    if body.truncation == "auto":
        messages, warnings = await fitted(gateway.client, question, card)
        question, told = replace(question, messages=messages), (*told, *warnings)
    ask = Asking(gateway.client, question, card)
    token = token_for(exchange.entry.id, gateway.siblings.worker)
    writing = Writing(token, facts_of(body), is_listening=bool(body.stream), warnings=(*told, *ask.warnings))
    return Job(body=body, model=model, ask=ask, writing=writing, said=said)


async def _stream(exchange: Exchange, gateway: Gateway, job: Job) -> AsyncGenerator[bytes, None]:
    async with aclosing(_events(job, exchange.entry)) as events:
        async for event in events:
            if job.body.is_kept and job.writing.is_over:  # before anybody hears of it, and wants to go on from there
                gateway.responses.add(job.kept(exchange.caller, body=job.writing.state()))
            yield event


async def _events(job: Job, entry: Entry) -> AsyncGenerator[bytes, None]:
    """The events of a response, from the moment on in which the model says something."""
    writing = job.writing
    finish: FinishReason = "cancelled"
    async with aclosing(job.ask.pieces()) as deltas:
        async for delta in deltas:
            if not writing.has_begun:
                for event in writing.begin():
                    yield event
            if delta.text or delta.reasoning or delta.tool_calls:
                entry.heard()
            entry.usage = delta.usage or entry.usage
            for event in writing.pieces(delta):
                yield event
            finish = delta.finish_reason or finish
    if not writing.has_begun:
        for event in writing.begin():
            yield event
    for event in writing.end(finish):
        yield event


async def _in_background(exchange: Exchange, gateway: Gateway, job: Job) -> None:
    run = Run(has_events=bool(job.body.stream))
    kept = job.kept(exchange.caller, body=job.writing.state, run=run)
    gateway.responses.add(kept)
    for event in job.writing.queue():
        run.say(event)
    answer = job.writing.state()
    entry = gateway.requests.open(exchange.entry.path)  # of its own, because it outlives the request
    entry.who = exchange.entry.who
    run.start(_make(gateway, job, kept, run, entry, exchange.guest))
    if job.body.stream:
        await exchange.stream(run.listen(0))
    else:
        await exchange.answer(answer)


async def _make(gateway: Gateway, job: Job, kept: Kept, run: Run, entry: Entry, guest: Guest | None) -> None:
    entry.asking(job.model, is_stream=run.has_events)
    entry.begun(200)
    try:
        async with asyncio.timeout(gateway.settings.timeout), aclosing(_events(job, entry)) as events:
            async for event in events:
                run.say(event)
    except asyncio.CancelledError:
        entry.gone = True
        job.writing.cancel()
        raise
    except Exception as failed:
        if not isinstance(failed, ByzerError | TimeoutError):
            log.exception("response %s failed", job.writing.id)
        entry.failed(failed)
        for event in job.writing.fail(refusal_of(failed)):
            run.say(event)
    finally:
        if job.writing.usage is None:
            job.writing.usage = Usage()
        gateway.requests.close(entry)
        gateway.responses.finished(kept, job.conversation)
        await gateway.charge(guest, entry)
