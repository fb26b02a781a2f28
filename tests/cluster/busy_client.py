"""A client process of its own: many mixed calls at once, and what came of them as JSON on the last line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from random import Random

import ray

from byzer_nb import AsyncClient
from byzer_nb.client.deployed import RayTransport

AT_ONCE = 30


async def main(name: str, calls: int, seed: int) -> dict[str, object]:
    """Chats and embeddings in a random mix; the workers that chats came from, and everything that was wrong."""
    client = AsyncClient(RayTransport(), model=name)
    rng = Random(seed)
    waiting = iter([(number, rng.random() < 0.3) for number in range(calls)])
    chats: Counter[int] = Counter()
    embedded = 0
    wrong: list[str] = []

    async def again_and_again() -> None:
        nonlocal embedded
        for number, embeds in waiting:
            if embeds:
                vectors = (await client.embed([f"{seed}/{number}"])).vectors
                embedded += 1
                wrong.extend([] if len(vectors) == 1 else [f"{number}: {len(vectors)} vectors"])
            else:
                reply = await client.chat(f"{seed}/{number}")
                wrong.extend([] if reply.text == f"{seed}/{number}" else [f"{number}: {reply.text}"])
                assert reply.worker is not None
                chats[reply.worker] += 1

    await asyncio.gather(*(again_and_again() for _ in range(AT_ONCE)))
    return {"chats": chats, "embedded": embedded, "wrong": wrong}


if __name__ == "__main__":
    address, model, count, number = sys.argv[1:]
    ray.init(address=address, namespace="default", log_to_driver=False, logging_level="error")
    print("connected", flush=True)
    sys.stdin.readline()  # so that all begin together
    print(json.dumps(asyncio.run(main(model, int(count), int(number)))))
