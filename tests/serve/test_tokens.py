"""The tokens of a model, over HTTP."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from byzer_nb import Client, ScriptedEngine
from byzer_nb.types import Message


@pytest.mark.contract("SERVE-01")
def test_text_becomes_ids_and_the_ids_the_text_again(http: httpx.Client) -> None:
    text = "<|user|>Hello, 狐狸 and 🦊!<|end|>"
    told = http.post("/tokenize", json={"model": "byzer-tiny", "prompt": text}).json()
    assert (told["count"], told["max_model_len"]) == (len(told["tokens"]), 1024)
    assert tuple(told["tokens"]) == Client(model="byzer-tiny").tokenize(text)
    assert http.post("/detokenize", json={"model": "byzer-tiny", "tokens": told["tokens"]}).json() == {"prompt": text}
    assert http.post("/detokenize", json={"model": "byzer-tiny", "tokens": []}).json() == {"prompt": ""}


@pytest.mark.contract("SERVE-01")
def test_turns_count_as_many_tokens_as_the_model_reads(http: httpx.Client) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    told = http.post("/tokenize", json={"model": "byzer-tiny", "messages": turns}).json()
    asked = http.post("/v1/chat/completions", json={"model": "byzer-tiny", "messages": turns, "max_tokens": 1}).json()
    assert told["count"] == asked["usage"]["prompt_tokens"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/tokenize", {}, "either a prompt or messages"),
        ("/tokenize", {"prompt": "a", "messages": [{"role": "user", "content": "b"}]}, "either a prompt or messages"),
        ("/tokenize", {"messages": []}, "empty"),
        ("/tokenize", {"prompt": "a", "add_special_tokens": True}, "add_special_tokens"),
        ("/tokenize", {"prompt": "a", "return_token_strs": True}, "return_token_strs"),
        ("/tokenize", {"messages": [{"role": "user", "content": "b"}], "add_generation_prompt": False}, "add_gen"),
        ("/tokenize", {"prompt": "a", "model": "echo"}, "does not support tokenizer service"),
        ("/detokenize", {"tokens": [1], "model": "echo"}, "does not support tokenizer service"),
        ("/detokenize", {"tokens": [1024]}, "no token 1024. Its tokens go from 0 to 1023."),
        ("/detokenize", {"tokens": [-1]}, "the id of no token"),
        ("/detokenize", {"tokens": [2**70]}, "the id of no token"),
        ("/detokenize", {"tokens": "1"}, "tokens"),
        ("/detokenize", {}, "tokens"),
    ],
)
def test_what_has_no_tokens_is_refused(http: httpx.Client, path: str, body: dict[str, Any], words: str) -> None:
    answer = http.post(path, json={"model": "byzer-tiny", **body})
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]["message"]


class Pondering(ScriptedEngine):
    """Its tokenizer takes as long as it is made to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.let = threading.Event(), threading.Event()

    def tokenize(self, text: str) -> tuple[int, ...]:
        self.begun.set()
        assert self.let.wait(20)
        return (1, 2)

    def detokenize(self, ids: tuple[int, ...]) -> str:
        return ""

    def apply_template(self, messages: tuple[Message, ...]) -> str:
        return ""


def test_long_text_keeps_nobody_waiting(open_gateway: Any) -> None:
    engine = Pondering()
    running = open_gateway({"m": engine})
    with ThreadPoolExecutor() as pool, httpx.Client(base_url=running.origin, timeout=10) as http:
        asking = pool.submit(httpx.post, f"{running.origin}/tokenize", json={"model": "m", "prompt": "a"}, timeout=30)
        assert engine.begun.wait(20)
        assert http.get("/health").status_code == 200
        engine.let.set()
        assert asking.result().json()["tokens"] == [1, 2]
