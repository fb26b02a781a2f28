"""One suite for every way to a model: in this process, over sockets, over Ray alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing

import pytest

from byzer_nb._sync import run
from byzer_nb.client import AsyncClient, LocalTransport, Transport
from byzer_nb.client.deployed import RayTransport
from byzer_nb.cluster import inspection, session
from byzer_nb.cluster.deployment import deploy, undeploy
from byzer_nb.cluster.direct import Direct
from byzer_nb.cluster.over_ray import OverRay
from byzer_nb.errors import BadInputError, ModelCallError, RateLimitedError, UnknownModelError, UnsupportedError
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.types import ChatRequest, DeploySpec, Message, Sound
from byzer_nb.types.pool import PoolSpec
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import sound_of

WAYS = ("local", "direct", "over ray")
MODELS = {
    "echo": DeploySpec(name="echo", engine="saas/scripted"),
    "slow": DeploySpec(name="slow", engine="saas/scripted", settings={"token_delay": 0.05}),
    "tiny": DeploySpec(name="tiny", engine="byzer-tiny"),
}
LONG = " ".join(f"word{number}" for number in range(400))


@pytest.fixture(scope="module")
def specs() -> Iterator[dict[str, DeploySpec]]:
    """The models of this file; those that make or hear sound, and draw, have a provider on this machine."""
    with OpenAIStandIn() as openai:
        usual = {"api_key": openai.key, "base_url": openai.url}
        media = {"voice": "tts-1", "ears": "whisper-1", "brush": "dall-e-3"}
        yield MODELS | {
            name: DeploySpec(name=name, engine="saas/openai", settings={**usual, "model": model})
            for name, model in media.items()
        }


@pytest.fixture(scope="module")
def running(cluster: session.Connection, specs: dict[str, DeploySpec]) -> Iterator[None]:
    """The models of this file, on the cluster."""
    for spec in specs.values():
        run(deploy(spec, PoolSpec(cpus=0.001, slots=4)))
    yield
    for name in specs:
        run(undeploy(name))


@pytest.fixture(params=WAYS)
async def transport(
    request: pytest.FixtureRequest, running: None, specs: dict[str, DeploySpec]
) -> AsyncIterator[Transport]:
    """Each way in turn, to the same models."""
    if request.param == "local":
        local = LocalTransport()
        for spec in specs.values():
            await local.deploy(spec)
        yield local
        await local.close()
        return
    ray = RayTransport(over_ray_alone=request.param == "over ray")
    yield ray
    await ray.close()


@pytest.fixture
def client(transport: Transport) -> AsyncClient:
    return AsyncClient(transport)


async def test_a_stream_is_the_whole_answer_in_pieces(client: AsyncClient) -> None:
    deltas = [delta async for delta in client.stream(LONG, model="echo")]
    assert len(deltas) > 300
    assert "".join(delta.text for delta in deltas) == LONG
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.output_tokens >= 400


async def test_a_reply_is_the_same_as_the_stream(client: AsyncClient) -> None:
    reply = await client.chat("Hello", model="tiny")
    assert reply.text == "".join([delta.text async for delta in client.stream("Hello", model="tiny")])
    assert reply.finish_reason == "stop"
    assert reply.usage.output_tokens > 0


async def test_the_first_piece_comes_before_the_last_is_made(client: AsyncClient) -> None:
    started = asyncio.get_running_loop().time()
    async with aclosing(client.stream("one two three four five six seven eight nine ten", model="slow")) as deltas:
        assert (await anext(deltas)).text == "one"
        assert asyncio.get_running_loop().time() - started < 0.4  # all ten take 0.5 s


async def test_answers_at_the_same_time_do_not_mix(client: AsyncClient) -> None:
    texts = [f"number {each}" for each in range(12)]
    replies = await asyncio.gather(*[client.chat(text, model="echo") for text in texts])
    assert [reply.text for reply in replies] == texts


async def test_a_stream_that_is_left_early_frees_its_slot(client: AsyncClient, transport: Transport) -> None:
    for _ in range(6):  # more than there are slots
        async with aclosing(client.stream(LONG, model="slow")) as deltas:
            await anext(deltas)
    assert (await client.chat("still", model="slow")).text == "still"
    if isinstance(transport, RayTransport):
        await eventually(lambda: free_slots("slow"), [4])


async def test_a_cancelled_call_frees_its_slot(client: AsyncClient, transport: Transport) -> None:
    for _ in range(6):
        calling = asyncio.create_task(client.chat(LONG, model="slow"))
        await asyncio.sleep(0.05)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    if isinstance(transport, RayTransport):
        await eventually(lambda: free_slots("slow"), [4])
    assert (await client.chat("still", model="slow")).text == "still"


async def test_cancelling_while_waiting_for_a_slot_leaves_the_queue(client: AsyncClient, transport: Transport) -> None:
    if not isinstance(transport, RayTransport):
        return  # an engine of this process takes any number of requests
    busy = [asyncio.create_task(client.chat(LONG, model="slow")) for _ in range(4)]
    await eventually(lambda: free_slots("slow"), [0])
    waiting = [asyncio.create_task(client.chat("x", model="slow")) for _ in range(5)]
    await eventually(lambda: count_waiting("slow"), 5)
    for task in (*waiting, *busy):
        task.cancel()
    await asyncio.gather(*waiting, *busy, return_exceptions=True)
    await eventually(lambda: count_waiting("slow"), 0)
    await eventually(lambda: free_slots("slow"), [4])
    assert (await client.chat("still", model="slow")).text == "still"


@pytest.mark.contract("CHAT-12")
async def test_tokens_and_templates_come_from_the_model(client: AsyncClient) -> None:
    ids = await client.tokenize("hello", model="tiny")
    assert len(ids) > 0
    assert all(isinstance(each, int) for each in ids)
    assert await client.detokenize(ids, model="tiny") == "hello"
    with pytest.raises(BadInputError, match="no token 1024"):
        await client.detokenize([1024], model="tiny")
    assert "hello" in await client.apply_template("hello", model="tiny")


@pytest.mark.contract("SERVE-04")
async def test_raw_text_goes_on_with_no_template_laid_over_it(client: AsyncClient) -> None:
    text = await client.apply_template("hello", model="tiny")
    raw = ChatRequest(messages=(Message(role="user", content=text),), is_raw=True)
    asked, written_out = await client.chat("hello", model="tiny"), await client.chat(raw, model="tiny")
    assert (written_out.text, written_out.usage) == (asked.text, asked.usage)


@pytest.mark.contract("CHAT-12")
async def test_a_model_without_a_tokenizer_says_so(client: AsyncClient) -> None:
    with pytest.raises(UnsupportedError, match="'echo' does not support tokenizer service"):
        await client.tokenize("hello", model="echo")
    with pytest.raises(UnsupportedError, match="'echo' does not support tokenizer service"):
        await client.detokenize([1], model="echo")
    with pytest.raises(UnsupportedError, match="'echo' does not support tokenizer service"):
        await client.apply_template("hello", model="echo")


async def test_vectors_come_in_order(client: AsyncClient) -> None:
    reply = await client.embed(["a", "狐狸", "a"], model="echo")
    assert reply.vectors[0] == reply.vectors[2] != reply.vectors[1]
    with pytest.raises(UnsupportedError, match="'tiny' has no embedding service"):
        await client.embed(["a"], model="tiny")


async def test_an_unknown_name_is_answered_with_the_nearest(client: AsyncClient) -> None:
    with pytest.raises(UnknownModelError, match="Model ecoh not deployed") as unknown:
        await client.chat("x", model="ecoh")
    assert "Did you mean 'echo'?" in unknown.value.hint


async def test_the_card_is_the_engines_own(client: AsyncClient) -> None:
    assert await client.describe(model="echo") == ScriptedEngine().describe()


async def test_the_way_is_the_one_that_was_meant(transport: Transport, request: pytest.FixtureRequest) -> None:
    await transport.describe("echo")
    if isinstance(transport, RayTransport):
        wanted = OverRay if "over" in request.node.name else Direct
        assert isinstance(transport._ways["echo"], wanted)


async def free_slots(name: str) -> list[int]:
    return (await inspection.stat(name)).free_slots()


async def count_waiting(name: str) -> int:
    return (await inspection.stat(name)).waiting


async def eventually(look: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until looking gives what is wanted."""
    for _ in range(300):
        if await look() == wanted:
            return
        await asyncio.sleep(0.05)
    assert await look() == wanted


@pytest.mark.contract("POOL-01")
@pytest.mark.parametrize("is_over_ray", [False, True])
async def test_a_full_model_refuses_after_a_while(cluster: session.Connection, is_over_ray: bool) -> None:
    spec = DeploySpec(name="full", engine="saas/scripted", settings={"delay": 1.5})
    await deploy(spec, PoolSpec(cpus=0.001, wait_seconds=0.2))
    transport = RayTransport(over_ray_alone=is_over_ray)
    client = AsyncClient(transport)
    busy = asyncio.create_task(client.chat("x", model="full"))
    await eventually(lambda: free_slots("full"), [0])
    with pytest.raises(RateLimitedError, match=r"'full' \(1 workers × 1 slots\) within 0.2 s"):
        await client.chat("y", model="full")
    assert (await busy).text == "x"
    await transport.close()
    await undeploy("full")


async def test_text_is_read_out_whole_and_in_pieces(client: AsyncClient) -> None:
    text = "Good morning. " * 50
    sound = await client.speak(text, model="voice", voice="alloy")
    assert (sound.data, sound.format) == (sound_of(text, "mp3"), "mp3")
    pieces = [piece async for piece in client.stream_speech(text, model="voice")]
    assert b"".join(pieces) == sound.data
    with pytest.raises(ModelCallError, match="nobody") as failed:
        await client.speak("hello", model="voice", voice="nobody")
    assert failed.value.status == 400


async def test_sound_is_written_down(client: AsyncClient) -> None:
    transcript = await client.transcribe(Sound(data=sound_of("x", "wav"), format="wav"), model="ears")
    assert transcript.segments[0].start == 0.0
    assert transcript.words
    with pytest.raises(ModelCallError, match="Invalid file format"):
        await client.transcribe(Sound(data=b"no sound"), model="ears")


async def test_pictures_are_drawn(client: AsyncClient) -> None:
    (picture,) = await client.draw("a white cat", model="brush")
    assert picture.format == "png"
    with pytest.raises(ModelCallError, match="big"):
        await client.draw("a white cat", model="brush", size="big")


async def test_model_that_makes_no_media_says_what_would(client: AsyncClient) -> None:
    for ask in (client.speak("a", model="echo"), client.draw("a", model="echo")):
        with pytest.raises(UnsupportedError, match="'echo'") as refused:
            await ask
        assert "Deploy a" in refused.value.hint
