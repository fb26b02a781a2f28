"""Tools of MCP servers, beside functions: listed when a model is asked, and called where they live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from byzer_nb.mcp import McpServer, McpTool
from byzer_nb.prompts.tools import Function, Offer, Tool, refuse_doubles
from byzer_nb.types import ToolSpec


class ServerTool(Tool):
    """A tool of a server, which checks the arguments itself."""

    def __init__(self, server: McpServer, listed: McpTool, *, beside: Collection[str] = ()) -> None:
        properties = listed.parameters.get("properties") or {}
        self._server = server
        self._name = listed.shown
        self._takes = [name for name in beside if name in properties]  # of the caller's own arguments
        self.spec = ToolSpec(
            name=listed.shown, description=listed.description, parameters=_without(self._takes, listed.parameters)
        )
        about = {"name": self.spec.name, "description": self.spec.description, "parameters": self.spec.parameters}
        self.function = self.about = json.dumps(about, indent=2, ensure_ascii=False)

    @property
    def can_run(self) -> bool:
        """Always: the server runs it."""
        return True

    async def call(self, arguments: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
        """What the server gives back."""
        return await self._server.async_call(
            self._name, {**arguments, **{name: beside[name] for name in self._takes if name in beside}}
        )


async def offered(given: Sequence[Tool | McpServer], *, beside: Collection[str] = ()) -> list[Tool]:
    """The tools as they are at this moment: those of servers may have changed."""
    if not any(isinstance(each, McpServer) for each in given):
        return [each for each in given if isinstance(each, Tool)]
    lists = await asyncio.gather(*[_tools_of(each, beside) for each in given])
    tools = [tool for each in lists for tool in each]
    refuse_doubles(tools)
    return tools


async def spelled_out(given: Sequence[Offer]) -> list[Function]:
    """The same functions, with the JSON of each tool in the place of a server, for whoever writes prompts."""
    functions: list[Function] = []
    for each in given:
        if isinstance(each, McpServer):
            functions += [tool.function for tool in await _tools_of(each, ())]
        else:
            functions.append(each)
    return functions


async def _tools_of(each: Tool | McpServer, beside: Collection[str]) -> list[Tool]:
    if isinstance(each, Tool):
        return [each]
    return [ServerTool(each, listed, beside=beside) for listed in await each.async_tools()]


def _without(names: Collection[str], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without arguments that the model does not choose."""
    if not names:
        return schema
    return {
        **schema,
        "properties": {name: each for name, each in schema["properties"].items() if name not in names},
        "required": [name for name in schema.get("required") or () if name not in names],
    }
