"""An HTTP face on loop-back, or on the address of a node, that lets in whoever has the token."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from byzer_nb.types import Secret

LARGEST_REQUEST = 256 * 1024 * 1024  # pictures and sound travel in requests
GOODBYE_SECONDS = 1.0


class Face:
    """Routes on a port of this process, served by the running loop."""

    def __init__(self, routes: Iterable[web.RouteDef], *, token: Secret) -> None:
        self._token = token
        self._welcome = f"Bearer {token.reveal()}".encode()
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[self._check])
        app.add_routes(routes)
        # A client that hangs up cancels what was done for it.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=GOODBYE_SECONDS, handle_signals=False
        )

    async def open(self, host: str, port: int = 0) -> str:
        """Start to listen, and the address where."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop to listen, and end what is under way."""
        await self._runner.cleanup()

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._welcome):
            raise web.HTTPUnauthorized(text="The token is missing or wrong.\n")
        return await handler(request)
