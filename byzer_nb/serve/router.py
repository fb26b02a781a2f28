"""From the address of a request to what answers there."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import Match, Route

from byzer_nb.serve.exchange import Exchange, Receive, Scope, Send
from byzer_nb.serve.gateway import Endpoint, Gateway
from byzer_nb.serve.refusals import OPENAI, RefusalError
from byzer_nb.serve.routes import ROUTES, RouteSpec

NOWHERE = "(nowhere)"  # stands in the log and the metrics for every address that is not there


class Router:
    """An ASGI app: a plain address is found at once, one with a name in it is looked for among its like.

    What is not there wants a key too, so that nobody learns from the outside what is.
    """

    def __init__(self, gateway: Gateway, specs: Iterable[RouteSpec] = ROUTES) -> None:
        self._plain: dict[str, dict[str, Endpoint]] = {}
        self._named: list[tuple[Route, dict[str, Endpoint]]] = []
        self._nowhere = Endpoint(_nowhere, gateway, path=NOWHERE)
        for spec in specs:
            endpoint = Endpoint(
                spec.handle, gateway, path=spec.path, dialect=spec.dialect or OPENAI, is_open=spec.is_open
            )
            methods = self._methods(spec.path)
            methods[spec.method] = endpoint
            if spec.method == "GET":
                methods["HEAD"] = endpoint

    def _methods(self, path: str) -> dict[str, Endpoint]:
        if "{" not in path:
            return self._plain.setdefault(path, {})
        known = next((methods for route, methods in self._named if route.path == path), None)
        if known is None:
            known = {}
            self._named.append((Route(path, self._nowhere, methods=None), known))
        return known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        methods = self._plain.get(scope["path"])
        if methods is None:
            methods = self._with_name(scope)
        endpoint = methods.get(scope["method"]) if methods is not None else None
        if endpoint is None:
            scope["path_params"] = {"allowed": sorted(methods or ())}
            endpoint = self._nowhere
        await endpoint(scope, receive, send)

    def _with_name(self, scope: Scope) -> dict[str, Endpoint] | None:
        for route, methods in self._named:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return methods
        return None


async def _nowhere(exchange: Exchange, gateway: Gateway) -> None:
    scope = exchange.scope
    allowed = scope["path_params"]["allowed"]
    hint = f"It takes {', '.join(allowed)}." if allowed else "GET /v1/models lists what answers."
    message = f"There is no {scope['method']} {scope['path']} here."
    raise RefusalError(message, status=405 if allowed else 404, code="unknown_url", hint=hint)
