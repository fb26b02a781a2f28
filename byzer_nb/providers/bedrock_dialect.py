"""What every way to talk to a model on Bedrock shares: the addresses, the frames of a stream, and the failures."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import quote

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.anthropic_wire import parameter_refused
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.aws_event_stream import EXCEPTION, AwsEventSplitter
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.engine import tell
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.ports import Reading
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import ChatRequest, Delta

# What each exception means, as an HTTP status: Amazon answers 403 to a wrong key and to a right one without rights.
_STATUS_OF = {
    "UnrecognizedClientException": 401,
    "InvalidSignatureException": 401,
    "InvalidClientTokenId": 401,
    "MissingAuthenticationTokenException": 401,
    "IncompleteSignatureException": 401,
    "ExpiredTokenException": 401,
    "AccessDeniedException": 403,
    "ValidationException": 400,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ModelErrorException": 500,
    "ModelStreamErrorException": 500,
    "ServiceUnavailableException": 503,
}
_UNKNOWN_MODEL = re.compile("model identifier is invalid", re.IGNORECASE)
_WRONG_CLOCK = re.compile("signature (expired|not yet current)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class BedrockModel:
    """A model on Bedrock: its id as it is given, and whose model it is, where that can be seen."""

    id: str
    family: str
    max_output_tokens: int | None = None
    version: str = ""
    withheld: frozenset[str] = frozenset()  # options that it turned out not to take
    takes_both: bool = True  # temperature and top_p in one request


class BedrockDialect(ABC):
    """A way to ask: the two ends of its addresses, its bodies, and its answers."""

    takes_pictures = True
    takes_tools = False
    takes_schemas = False

    whole_verb = "invoke"
    stream_verb = "invoke-with-response-stream"

    def __init__(self, model: BedrockModel, *, called: Called) -> None:
        self.called = called
        self.model = model

    def chat(self, request: ChatRequest) -> Call:
        """The conversation in the words of the model."""
        verb = self.stream_verb if request.stream else self.whole_verb
        return Call(
            path=f"model/{quote(self.model.id, safe='-_.~')}/{verb}",
            body=json_body(self.body(request)),
            headers={"Content-Type": "application/json"},
            split=self._split,
        )

    @property
    @abstractmethod
    def options(self) -> frozenset[str]:
        """The options that are sent."""

    @abstractmethod
    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The body of a call."""

    @abstractmethod
    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""

    @abstractmethod
    def reading(self, headers: Mapping[str, str]) -> Reading:
        """A reader for one streamed answer."""

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """A refusal that names an option is answered by doing without it, from then on."""
        if refused.status != 400:
            return None
        given = self.parameters(msgspec.json.decode(call.body))
        name = parameter_refused(refused.message, given)
        if name is None:
            return None
        if name == "top_p" and "temperature" in given and "temperature" in refused.message:
            tell(f"{self.called} takes no top_p beside a temperature; it is left out.")
            wiser = replace(self.model, takes_both=False)
        else:
            tell(f"{self.called} takes no {name}; it is left out.")
            wiser = replace(self.model, withheld=self.model.withheld | {name})
        return type(self)(wiser, called=self.called)

    def withheld(self, request: ChatRequest) -> frozenset[str]:
        """The options that this request has to do without."""
        if self.model.takes_both or request.options.temperature is None:
            return self.model.withheld
        return self.model.withheld | {"top_p"}

    def parameters(self, body: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
        """The options in a body, by the names that the model gives them."""
        return body

    def _split(self) -> AwsEventSplitter:
        return AwsEventSplitter(self.called)


class _Chunk(msgspec.Struct, gc=False):
    """The payload of a frame that carries a model's own JSON."""

    data: bytes = msgspec.field(name="bytes")  # base64 on its way


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


def chunk_in(event: Event, headers: Mapping[str, str], called: Called) -> bytes:
    """The model's own JSON in a frame; empty where it is a frame of another kind."""
    raise_failure(event, headers, called)
    return decoded(_decode_chunk, event.data, called).data if event.name == "chunk" else b""


def raise_failure(event: Event, headers: Mapping[str, str], called: Called) -> None:
    """Raise the error that a frame tells of, if it does."""
    if event.name.startswith(EXCEPTION):
        kind = event.name.removeprefix(EXCEPTION)
        raise _failure(kind[:1].upper() + kind[1:], event.data, headers, called, status=200)


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success."""
    if 300 <= status < 400:
        return failures.from_status(status, body, headers, called)
    kind = headers.get("x-amzn-ErrorType", "").partition(":")[0]
    return _failure(kind, body, headers, called, status=status)


def _failure(kind: str, body: bytes, headers: Mapping[str, str], called: Called, *, status: int) -> ModelCallError:
    complaint = failures.complaint_in(body)
    meant = _STATUS_OF.get(kind, status)
    if _UNKNOWN_MODEL.search(complaint.message):
        meant = 404  # for its hint: the settings are to be looked at
    elif _WRONG_CLOCK.search(complaint.message):
        meant = 403  # its words name both times, and no key
    complaint = replace(complaint, code=kind or complaint.code)
    return failures.classified(complaint, meant=meant, status=status, headers=headers, called=called)


def request_id(headers: Mapping[str, str]) -> str:
    """The service's own number for a call."""
    return headers.get("x-amzn-RequestId", "")
