"""The package whose notebooks we run, on Ray before the same upstream: `original_on_ray.py UPSTREAM`, figures as JSON.

It runs in an environment of its own, because it pins an older Ray: `make rivals` makes it.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import ray
from byzerllm.utils.client import ByzerLLM
from loguru import logger

CALLS = 100
WARM_UP = 10
STREAMS = 15
IN_FLIGHT = 64
CALLS_AT_ONCE = 512
QUESTION = [{"role": "user", "content": "How much does a call cost?"}]


def main(upstream: str) -> None:
    """Deploy a provider as its documents show, measure, print."""
    logger.remove()  # it logs a line for every stream
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    llm = ByzerLLM()
    llm.setup_num_workers(2).setup_gpus_per_worker(0).setup_cpus_per_worker(0.001).setup_worker_concurrency(IN_FLIGHT)
    settings = {"saas.base_url": f"{upstream}/v1", "saas.api_key": "none", "saas.model": "bench"}
    llm.deploy(model_path="", pretrained_model_type="saas/openai", udf_name="bench", infer_params=settings)
    llm.setup_default_model_name("bench")
    figures = {
        "unary": timed(lambda: llm.chat_oai(conversations=QUESTION), CALLS, WARM_UP),
        "stream": timed(lambda: list(llm.stream_chat_oai(conversations=QUESTION)), STREAMS, 2),
        "rate": rate(lambda: llm.chat_oai(conversations=QUESTION)),
    }
    print(json.dumps(figures))


def timed(call, calls: int, warm_up: int) -> float:
    """The median of one call at a time, in seconds."""
    seconds = []
    for _ in range(warm_up + calls):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return median(seconds[warm_up:])


def rate(call) -> float:
    """Calls a second from many threads."""
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        list(threads.map(lambda _: call(), range(IN_FLIGHT)))
        started = time.perf_counter()
        list(threads.map(lambda _: call(), range(CALLS_AT_ONCE)))
        return CALLS_AT_ONCE / (time.perf_counter() - started)


if __name__ == "__main__":
    main(sys.argv[1])
