"""Servers of the Model Context Protocol, whose tools a model may call: a client of our own, over pipes and HTTP."""

from byzer_nb.mcp.listed import McpTool, McpTools
from byzer_nb.mcp.server import McpServer

__all__ = ["McpServer", "McpTool", "McpTools"]
