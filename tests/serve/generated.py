"""Requests out of JSON schemas, by a chance that is the same every time, and the gateway called without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from jsonschema import Draft202012Validator

from byzer_nb.client import LocalTransport
from byzer_nb.client.client import AsyncClient
from byzer_nb.serve.gateway import Gateway, application
from byzer_nb.serve.settings import ServeSettings
from byzer_nb.types import Engine

FORMS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "openai_routes.json").read_text(encoding="utf-8")
)
SCHEMAS: dict[str, Any] = FORMS["components"]["schemas"]

TEXTS = [
    "",
    "a",
    "hello there",
    "你好 🙂",
    "\x00",
    '"\\',
    "x" * 300,
    "{}",
    "null",
    " ",
    "\u2028",
    "data: [DONE]\n\n",
    "0",
]
NUMBERS = [0, 1, -1, 2, 0.5, 1e-9, 1e300, -1e300, 2**31, 2**63, -(2**64), 10**40]
# Fields whose value has to have a meaning, or nothing that follows is reached.
MEANT: dict[str, list[Any]] = {
    "url": ["data:image/png;base64,iVBORw0KGgo=", "https://pictures.example/a.png", "nothing"],
    "arguments": ['{"city": "Paris"}', "{", "[]", ""],
    "data": ["UklGRgAAAAA=", "!"],
    "name": ["weather", "time", "ann", ""],
}


class Generator:
    """Values that fit a schema, or nearly do."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)

    def fitting(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """A value that the schema allows."""
        chance = self.chance
        if "$ref" in schema:
            return self.fitting(SCHEMAS[schema["$ref"].rpartition("/")[2]], name, depth)
        if "enum" in schema:
            return chance.choice(schema["enum"])
        if "anyOf" in schema:
            return self.fitting(chance.choice(schema["anyOf"]), name, depth)
        kind = schema.get("type", "string")
        match chance.choice(kind) if isinstance(kind, list) else kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                least = schema.get("minItems", 0)
                return [
                    self.fitting(schema["items"], name, depth + 1) for _ in range(least + chance.choice([0, 0, 1, 2]))
                ]
            case "string":
                return chance.choice(MEANT.get(name, TEXTS))[: schema.get("maxLength", 1000)]
            case "integer":
                return chance.randint(schema.get("minimum", -3), min(schema.get("maximum", 50), 50))
            case "number":
                return chance.choice([chance.uniform(schema.get("minimum", -1), schema.get("maximum", 1)), 1])
            case "boolean":
                return chance.random() < 0.5
            case _:
                return None

    def _object(self, schema: Any, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        share = self.chance.choice([0.02, 0.1, 0.3])
        made = {
            name: self.fitting(each, name, depth + 1)
            for name, each in properties.items()
            if name in required or self.chance.random() < share
        }
        if not properties and depth < 6:
            inner = schema.get("additionalProperties", {"type": ["string", "integer", "object", "null"]})
            made = {
                self.chance.choice(TEXTS): self.fitting(inner, "", depth + 1)
                for _ in range(self.chance.choice([0, 1, 2]))
            }
        return made

    def broken(self, value: Any) -> Any:
        """The same value, with something in it that should not be there."""
        chance = self.chance
        if isinstance(value, dict) and value and chance.random() < 0.85:
            name = chance.choice(list(value))
            if chance.random() < 0.1:
                return {each: kept for each, kept in value.items() if each != name}
            return value | {name: self.broken(value[name])}
        if isinstance(value, list) and value and chance.random() < 0.85:
            place = chance.randrange(len(value))
            return [*value[:place], self.broken(value[place]), *value[place + 1 :]]
        return chance.choice([None, True, [], {}, [[]], {"": {}}, [value] * 3, {"x": value}, *NUMBERS, *TEXTS])


@cache
def validator(name: str) -> Draft202012Validator:
    """What holds a value to one of the forms."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": FORMS["components"]})


class DirectGateway:
    """The gateway's app, called in a loop of its own; a context manager."""

    def __init__(self, engines: Mapping[str, Engine], **settings: Any) -> None:
        self._runner = asyncio.Runner()
        transport = LocalTransport()
        for name, engine in engines.items():
            self._runner.run(transport.add(name, engine))
        self._app = application(Gateway(AsyncClient(transport), ServeSettings(**settings)))

    def __enter__(self) -> DirectGateway:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()

    def call(
        self, method: str, path: str, body: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers and body of an answer."""
        return self._runner.run(self._call(method, path, body, headers))

    async def _call(
        self, method: str, path: str, body: bytes, headers: tuple[tuple[bytes, bytes], ...]
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": list(headers), "root_path": "", "scheme": "http", "http_version": "1.1",
        }  # fmt: skip
        asked = [{"type": "http.request", "body": body, "more_body": False}]
        over = asyncio.Event()
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if asked:
                return asked.pop()
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        over.set()
        assert not sent[-1].get("more_body"), "the answer has no end"
        return sent[0]["status"], dict(sent[0]["headers"]), b"".join(each.get("body", b"") for each in sent[1:])
