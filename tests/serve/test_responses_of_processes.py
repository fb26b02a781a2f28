"""Responses of a gateway of two processes: each answers for both, whichever takes the connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from byzer_nb._sync import run
from byzer_nb.serve import process
from byzer_nb.serve.keys import KeyEntry, hash_of
from byzer_nb.serve.process import Served
from byzer_nb.serve.responses.telling import keeper_of
from tests.serve.gateways import eventually
from tests.serve.starting import children_of, kill, starter

KEYS = {name: f"bz-test-{name}-0123456789abcdef" for name in ("ann", "bob")}
ENTRIES = tuple(KeyEntry(name=name, hash=hash_of(key)) for name, key in KEYS.items())
WORDS = [f"word{number}" for number in range(600)]
MODELS = f"""
- name: echo
  type: saas/scripted
- name: slow
  type: saas/scripted
  settings: {{reply: "{" ".join(WORDS[:30])}", token_delay: 0.05}}
- name: endless
  type: saas/scripted
  settings: {{reply: "{" ".join(WORDS)}", token_delay: 0.05}}
- name: silent
  type: saas/scripted
  settings: {{delay: 60}}
"""


class Side:
    """A connection to one process of a gateway, which stays open."""

    def __init__(self, served: Served) -> None:
        self._client = httpx.Client(
            base_url=f"{served.address}/v1",
            headers={"Authorization": f"Bearer {KEYS['ann']}"},
            limits=httpx.Limits(max_connections=1),
            timeout=60,
        )
        self.number: int | None = None

    def where(self) -> int | None:
        """Which process it leads to."""
        return keeper_of(self.create(store=False)["id"])

    def create(self, model: str = "echo", **given: Any) -> Any:
        """A new response."""
        answer = self._client.post("responses", json={"model": model, "input": "one two", **given})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(self, method: str, path: str, *, key: str = KEYS["ann"], **given: Any) -> httpx.Response:
        """Anything else, in the name of a key."""
        return self._client.request(
            method, f"responses/{path}".rstrip("/"), headers={"Authorization": f"Bearer {key}"}, **given
        )

    def read(self, name: str) -> Any:
        """A response, or the error's code."""
        answer = self.call("GET", name).json()
        return answer["error"]["code"] if answer.get("error") else answer

    def stream(self, method: str, path: str, **given: Any) -> Any:
        """An answer that is read line by line."""
        return self._client.stream(method, f"responses/{path}".rstrip("/"), **given)

    def close(self) -> None:
        """Hang up."""
        self._client.close()


Pair = tuple[Side, Side]


def both_sides(served: Served, stack: ExitStack) -> Pair:
    """Connections to either process; the kernel deals them out, so it is asked until both are there."""
    found: dict[int | None, Side] = {}
    for _ in range(200):
        side = Side(served)
        stack.callback(side.close)
        side.number = side.where()
        found.setdefault(side.number, side)
        if len(found) == 2:
            return found[0], found[1]
    raise AssertionError(f"all connections lead to the processes {sorted(map(str, found))}")


Start = Callable[[], Served]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts gateways of two processes, in a run directory of these tests."""
    folder = tmp_path_factory.mktemp("gateways")
    models = folder / "more.yaml"
    models.write_text(MODELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BYZER_NB_HOME", str(folder / "home"))
        with starter(folder) as starting:
            yield lambda: starting.start(models=str(models), workers=2, keys=ENTRIES, keep_alive_seconds=600)


@pytest.fixture(scope="module")
def served(start: Start) -> Served:
    """One for all tests that leave it as it is."""
    return start()


@pytest.fixture(params=[False, True], ids=["kept_by_the_first", "kept_by_the_second"])
def sides(served: Served, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The process that keeps what a test makes, and the other one; each connection leads where it led before."""
    with ExitStack() as stack:
        pair = both_sides(served, stack)
        yield pair[::-1] if request.param else pair
        assert [side.where() for side in pair] == [0, 1]


def events_of(lines: Iterator[str]) -> Iterator[Any]:
    """The events of a stream."""
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


# -- what is over ---------------------------------------------------------------------------------------------------


def test_a_response_is_read_from_either_side(sides: Pair) -> None:
    keeper, other = sides
    response = keeper.create()
    assert keeper_of(response["id"]) == keeper.number
    assert other.read(response["id"]) == keeper.read(response["id"]) == response


def test_the_items_of_its_input_are_read_from_either_side(sides: Pair) -> None:
    keeper, other = sides
    turns = [{"role": "user", "content": f"turn {number}"} for number in range(5)]
    name = keeper.create(input=turns)["id"]
    page = {"order": "asc", "limit": 2}
    told = other.call("GET", f"{name}/input_items", params=page).json()
    assert [item["content"][0]["text"] for item in told["data"]] == ["turn 0", "turn 1"]
    assert told == keeper.call("GET", f"{name}/input_items", params=page).json()


def test_a_conversation_goes_on_in_either_process(sides: Pair) -> None:
    keeper, other = sides
    first = keeper.create(input="three words here")
    at_home = keeper.create(input="on", previous_response_id=first["id"])
    away = other.create(input="on", previous_response_id=first["id"])
    assert keeper_of(away["id"]) == other.number
    assert away["usage"] == at_home["usage"]
    assert away["usage"]["input_tokens"] > keeper.create(input="on")["usage"]["input_tokens"]
    again = keeper.create(input="on", previous_response_id=away["id"])
    assert again["usage"]["input_tokens"] > away["usage"]["input_tokens"]


def test_a_response_is_forgotten_from_either_side(sides: Pair) -> None:
    keeper, other = sides
    name = keeper.create()["id"]
    assert other.call("DELETE", name).json() == {"id": name, "object": "response", "deleted": True}
    assert [side.read(name) for side in sides] == ["response_not_found"] * 2
    assert other.call("DELETE", name).status_code == 404


def test_what_cannot_be_done_is_refused_on_either_side_alike(sides: Pair) -> None:
    name = sides[0].create()["id"]
    for method, path in (("POST", f"{name}/cancel"), ("GET", f"{name}?stream=true"), ("GET", f"{name}/input_items?x=")):
        answers = [side.call(method, path) for side in sides]
        assert answers[0].json() == answers[1].json()
    assert sides[1].call("POST", f"{name}/cancel").status_code == 400


@pytest.mark.parametrize("end", ["0", "1", "2", "f", "ffff", "fffff", "", "-1"])
def test_a_name_that_nobody_gave_is_unknown_whatever_process_it_names(sides: Pair, end: str) -> None:
    answers = [side.call("GET", "resp_" + "0123456789ab" * 2 + end) for side in sides]
    assert [answer.status_code for answer in answers] == [404, 404]


def test_nobody_reads_the_response_of_another_key_from_either_side(sides: Pair) -> None:
    name = sides[0].create("endless", background=True)["id"]
    for side in sides:
        for method, path in (
            ("GET", name),
            ("GET", f"{name}/input_items"),
            ("POST", f"{name}/cancel"),
            ("DELETE", name),
        ):
            assert side.call(method, path, key=KEYS["bob"]).json()["error"]["code"] == "response_not_found"
        body = {"model": "echo", "input": "on", "previous_response_id": name}
        answer = side.call("POST", "", key=KEYS["bob"], json=body)
        assert answer.json()["error"]["code"] == "previous_response_not_found"
    assert sides[1].read(name)["status"] in ("queued", "in_progress")
    assert sides[1].call("DELETE", name).status_code == 200


# -- what is being made ---------------------------------------------------------------------------------------------


def test_a_response_in_the_background_is_seen_to_its_end_from_either_side(sides: Pair) -> None:
    keeper, other = sides
    name = keeper.create("slow", background=True)["id"]
    assert other.read(name)["status"] in ("queued", "in_progress")
    body = {"model": "echo", "input": "on", "previous_response_id": name}
    assert "still being made" in other.call("POST", "", json=body).json()["error"]["message"]
    assert eventually(lambda: other.read(name)["status"] == "completed")
    assert other.read(name) == keeper.read(name)
    assert other.create(previous_response_id=name)["status"] == "completed"


def test_a_response_in_the_background_is_cancelled_from_either_side(served: Served, sides: Pair) -> None:
    keeper, other = sides
    name = keeper.create("endless", background=True)["id"]
    assert eventually(lambda: keeper.read(name)["output"] != [])
    assert other.call("POST", f"{name}/cancel").json()["status"] == "cancelled"
    assert [side.read(name)["status"] for side in sides] == ["cancelled"] * 2
    assert other.call("POST", f"{name}/cancel").json()["status"] == "cancelled"

    def states() -> set[str]:
        rows = run(process.requests_of(served.place)) or []
        return {row["status"] for row in rows if row["model"] == "endless"}

    assert eventually(lambda: states() == {"gone"})


def test_a_stream_in_the_background_is_followed_from_either_side(sides: Pair) -> None:
    keeper, other = sides
    body = {"model": "slow", "input": "go", "background": True, "stream": True}
    with keeper.stream("POST", "", json=body) as made:
        lines = made.iter_lines()
        name = next(events_of(lines))["response"]["id"]
        with other.stream("GET", f"{name}?stream=true") as followed:
            heard = list(events_of(followed.iter_lines()))
        rest = list(events_of(lines))
    assert [event["sequence_number"] for event in heard] == list(range(len(heard)))
    assert heard[-1]["type"] == "response.completed"
    assert heard[1:] == rest
    with other.stream("GET", f"{name}?stream=true&starting_after=4") as followed:
        assert list(events_of(followed.iter_lines())) == heard[5:]
    texts = [side.call("GET", f"{name}?stream=true").text for side in sides]
    assert texts[0] == texts[1]
    assert texts[0].startswith("event: response.created\n")


def test_whoever_stops_following_leaves_nothing_behind(served: Served) -> None:
    body = {"model": "silent", "input": "go", "background": True, "stream": True}
    with ExitStack() as stack:
        keeper, other = both_sides(served, stack)
        made = stack.enter_context(keeper.stream("POST", "", json=body))
        name = next(events_of(made.iter_lines()))["response"]["id"]
        files = Path(f"/proc/{pid_of(served, keeper.number)}/fd")
        before = len(list(files.iterdir()))
        for _ in range(5):
            with ExitStack() as leaving:
                _, follower = both_sides(served, leaving)
                followed = leaving.enter_context(follower.stream("GET", f"{name}?stream=true"))
                next(events_of(followed.iter_lines()))
                assert len(list(files.iterdir())) > before
        assert eventually(lambda: len(list(files.iterdir())) == before)
        assert other.read(name)["status"] == "queued"
        assert other.call("DELETE", name).status_code == 200


# -- processes that end ---------------------------------------------------------------------------------------------


def pid_of(served: Served, worker: int | None) -> int:
    """The process with a number."""
    for pid in children_of(served.serving.pid):
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        if words[words.index(str(served.place.folder)) + 1] == str(worker):
            return pid
    raise AssertionError(f"there is no process {worker}")


def test_what_a_killed_process_kept_is_unknown_and_a_stream_of_it_says_that_it_broke_off(start: Start) -> None:
    served = start()
    with ExitStack() as stack:
        keeper, other = both_sides(served, stack)
        kept, own = keeper.create()["id"], other.create()["id"]
        body = {"model": "endless", "input": "go", "background": True, "stream": True}
        with keeper.stream("POST", "", json=body) as made:
            name = next(events_of(made.iter_lines()))["response"]["id"]
            with other.stream("GET", f"{name}?stream=true") as followed:
                heard = events_of(followed.iter_lines())
                assert next(heard)["type"] == "response.created"
                kill(pid_of(served, keeper.number))
                *_, last = heard
        assert last["error"]["code"] == "response_lost"
        assert [other.read(each) for each in (kept, name)] == ["response_not_found"] * 2
        assert other.read(own)["status"] == "completed"
        assert eventually(lambda: len(children_of(served.serving.pid)) == 2, seconds=60)
        assert eventually(lambda: served.place.door(0).exists() and _answers(served), seconds=60)
        again, _ = both_sides(served, stack)
        assert again.number == keeper.number
        assert [again.read(each) for each in (kept, name)] == ["response_not_found"] * 2
        assert other.read(again.create()["id"])["status"] == "completed"
        assert again.read(own)["status"] == "completed"


def _answers(served: Served) -> bool:
    """Whether both processes do."""
    return "byzer_nb_processes 2\n" in run(process.metrics_of(served.place))


def test_a_stream_that_is_followed_from_the_other_side_is_finished_before_the_end(start: Start) -> None:
    served = start()
    with ExitStack() as stack:
        keeper, other = both_sides(served, stack)
        body = {"model": "slow", "input": "go", "background": True, "stream": True}
        made = stack.enter_context(keeper.stream("POST", "", json=body))
        name = next(events_of(made.iter_lines()))["response"]["id"]
        made.close()  # so that its own process has no connection to wait for
        with other.stream("GET", f"{name}?stream=true") as followed:
            heard = events_of(followed.iter_lines())
            next(heard)
            stopping = threading.Thread(target=lambda: run(process.stop(served.place)))
            stopping.start()
            *_, last = heard
        stopping.join(60)
        assert last["type"] == "response.completed"
