"""Looking for a response that was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.refusals import RefusalError
from byzer_nb.serve.responses.kept import Kept

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway


def found(exchange: Exchange, gateway: Gateway, name: str, *, param: str) -> Kept:
    """The response of that name, or a refusal: somebody else's is as unknown as one that never was."""
    kept = gateway.responses.find(name, exchange.caller)
    if kept is not None:
        return kept
    hint = "Responses are kept for a while, in memory, unless store was false."
    if gateway.settings.workers > 1:
        hint += " This gateway has several processes, and a response is known in the one that gave it."
    code = "previous_response_not_found" if param == "previous_response_id" else "response_not_found"
    raise RefusalError(f"There is no response {name!r}.", status=404, code=code, hint=hint, param=param)
