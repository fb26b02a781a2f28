"""Every route of the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from byzer_nb.serve.anthropic.dialect import ANTHROPIC
from byzer_nb.serve.anthropic.messages import count_tokens, messages
from byzer_nb.serve.gateway import Handle
from byzer_nb.serve.health import health, metrics, requests, version
from byzer_nb.serve.openai.chat import chat_completions
from byzer_nb.serve.openai.completions import completions
from byzer_nb.serve.openai.embeddings import embeddings
from byzer_nb.serve.openai.images import images
from byzer_nb.serve.openai.models import list_models, one_model
from byzer_nb.serve.openai.rerank import rerank, score
from byzer_nb.serve.openai.speech import speech
from byzer_nb.serve.openai.tokens import detokenize, tokenize
from byzer_nb.serve.openai.transcriptions import transcriptions
from byzer_nb.serve.refusals import Dialect
from byzer_nb.serve.responses.create import create_response
from byzer_nb.serve.responses.read import cancel_response, forget_response, read_input_items, read_response


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteSpec:
    """An address and what answers there. `is_open` ones need no key."""

    method: str
    path: str
    handle: Handle
    dialect: Dialect | None = None
    is_open: bool = False


def _get(path: str, handle: Handle, *, is_open: bool = False) -> RouteSpec:
    return RouteSpec(method="GET", path=path, handle=handle, is_open=is_open)


def _post(path: str, handle: Handle, dialect: Dialect | None = None) -> RouteSpec:
    return RouteSpec(method="POST", path=path, handle=handle, dialect=dialect)


# The most used first, because they are looked through in order.
ROUTES: tuple[RouteSpec, ...] = (
    _post("/v1/chat/completions", chat_completions),
    _post("/v1/responses", create_response),
    _get("/v1/responses/{id}", read_response),
    RouteSpec(method="DELETE", path="/v1/responses/{id}", handle=forget_response),
    _post("/v1/responses/{id}/cancel", cancel_response),
    _get("/v1/responses/{id}/input_items", read_input_items),
    _post("/v1/messages", messages, ANTHROPIC),
    _post("/v1/messages/count_tokens", count_tokens, ANTHROPIC),
    _post("/v1/completions", completions),
    _post("/v1/embeddings", embeddings),
    _get("/v1/models", list_models),
    _get("/v1/models/{name:path}", one_model),
    _post("/v1/audio/speech", speech),
    _post("/v1/audio/transcriptions", transcriptions),
    _post("/v1/images/generations", images),
    *(_post(f"{base}/rerank", rerank) for base in ("/v1", "/v2", "")),  # of Jina, of Cohere, and of older servers
    *(_post(f"{base}/score", score) for base in ("/v1", "")),
    _post("/tokenize", tokenize),
    _post("/detokenize", detokenize),
    _get("/health", health, is_open=True),
    _get("/version", version, is_open=True),
    _get("/metrics", metrics),
    _get("/requests", requests),
)
