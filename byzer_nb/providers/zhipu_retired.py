"""What Zhipu's retired protocols share: an envelope round every answer, and events that are plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from byzer_nb.errors import BadInputError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import system_text, words_alone
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.sse import Event, EventSplitter
from byzer_nb.providers.zhipu_wire import filtered, zhipu_error
from byzer_nb.types import ChatRequest, Delta, Usage

OPTIONS = frozenset({"temperature", "top_p", "timeout", "extra"})


class _Choice(msgspec.Struct, gc=False):
    content: str = ""


class _Counted(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


class Task(msgspec.Struct, gc=False):
    """An answer, or what is told about it at its end; v3 has names of its own for most of it."""

    choices: list[_Choice] | None = None
    counted: _Counted | None = msgspec.field(default=None, name="usage")
    task_id: str | int = ""
    request_id: str | int = ""
    task_status: str = ""
    output_text: str | None = msgspec.field(default=None, name="outputText")
    input_tokens: int | None = msgspec.field(default=None, name="inputTokenNum")
    output_tokens: int | None = msgspec.field(default=None, name="outputTokenNum")
    total_tokens: int | None = msgspec.field(default=None, name="totalTokenNum")
    order: str | int = msgspec.field(default="", name="taskOrderNo")
    order_status: str = msgspec.field(default="", name="taskStatus")

    def number(self) -> str:
        """What the provider calls this answer."""
        return str(self.request_id or self.task_id or self.order)

    def is_finished(self) -> bool:
        """False while the provider still works on it, or has given it up."""
        return (self.task_status or self.order_status or "SUCCESS").upper() == "SUCCESS"

    def usage(self) -> Usage | None:
        """Tokens; where only their sum is known they count as written."""
        counted = self.counted or _Counted(self.input_tokens, self.output_tokens, self.total_tokens)
        read, written, total = counted.prompt_tokens, counted.completion_tokens, counted.total_tokens
        if read is None and written is None and total is None:
            return None
        return Usage(input_tokens=read or 0, output_tokens=(total or 0) - (read or 0) if written is None else written)

    def text(self) -> str | None:
        """The words; v3 sends them as JSON inside JSON."""
        if self.output_text is not None:
            return self.output_text
        return _unquoted(self.choices[0].content) if self.choices else None


class _Envelope(msgspec.Struct, gc=False):
    code: int | str | None = None
    msg: str | None = None
    success: bool | None = None
    error: Any = None  # Any: gateways have forms of their own

    def complaint(self) -> Complaint | None:
        """What it says is wrong, if anything is."""
        if self.error:
            return failures.complaint_of(self.error)
        if self.success is False or self.code not in (None, 200, "200", 0):
            return Complaint(message=self.msg or "", code="" if self.code is None else str(self.code))
        return None


class _Tasked(msgspec.Struct, gc=False):
    data: Task | None = None


class _Given(msgspec.Struct, gc=False):
    data: str | None = None


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_tasked = msgspec.json.Decoder(_Tasked, strict=False).decode  # counts may be written as text
_decode_given = msgspec.json.Decoder(_Given).decode
_decode_task = msgspec.json.Decoder(Task, strict=False).decode


def whole_task(body: bytes, headers: Mapping[str, str], called: Called) -> Delta:
    """An answer that came in one piece."""
    check(body, headers, called)
    task = decoded(_decode_tasked, body, called).data
    if task is not None and not task.is_finished():
        complaint = Complaint(message="the answer was not finished", request_id=task.number())
        raise zhipu_error(complaint, otherwise=500, headers=headers, called=called)
    text = task.text() if task is not None else None
    if task is None or text is None:
        raise failures.unreadable(body, called)
    return Delta(text=text, finish_reason="stop", usage=task.usage(), request_id=task.number())


def given_text(body: bytes, headers: Mapping[str, str], called: Called) -> str:
    """The text that is all an envelope holds, such as a token."""
    check(body, headers, called)
    text = decoded(_decode_given, body, called).data
    if not text:
        raise failures.unreadable(body, called)
    return text


def check(body: bytes, headers: Mapping[str, str], called: Called) -> None:
    """Raise what an envelope says is wrong; what is no envelope is for the reader to refuse."""
    try:
        complaint = _decode_envelope(body).complaint()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if complaint is not None:
        raise zhipu_error(complaint, otherwise=0, headers=headers, called=called)


class TextEvents(EventSplitter):
    """Events whose data is text, in which a blank in front is a blank of the text; a last one also has `meta`.

    Its number and its meta come as events of those names, before the event itself.
    """

    __slots__ = ()

    def _events(self, blocks: bytes) -> list[Event]:
        return [event for block in blocks.split(b"\n\n") for event in _parsed(block)]


def _parsed(block: bytes) -> list[Event]:
    data: list[bytes] = []
    told: list[Event] = []
    name = ""
    bare = block.strip(b"\n")
    if bare[:1] + bare[-1:] == b"{}":  # an error that some servers write as it is, amid the events
        return [Event(bare)]
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.strip().decode("utf-8", "replace")
        elif field in (b"id", b"meta"):
            told.append(Event(value.strip(), field.decode()))
    if name == "add":
        told = []
    if data or name:
        told.append(Event(b"\n".join(data), name))
    return told


class TextStream:
    """What is known of a streamed answer so far. `repeats` says that each event holds all that was said before it."""

    __slots__ = ("_called", "_headers", "_repeats", "_request_id", "_said", "_task", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str], *, repeats: bool) -> None:
        self.is_done = False
        self._called = called
        self._headers = headers
        self._repeats = repeats
        self._request_id = ""
        self._said = ""
        self._task = Task()

    @property
    def is_whole(self) -> bool:
        """True when no more words will come."""
        return self.is_done

    def read(self, event: Event) -> Delta | None:
        """What the event adds."""
        match event.name:
            case "add":
                return self._more(self._text(event), repeats=self._repeats)
            case "finish":
                self.is_done = True
                text = self._text(event)  # empty, or once more the whole answer
                return self._more(text, repeats=text.startswith(self._said)) if text else None
            case "interrupted":
                raise filtered(self._headers, self._called)
            case "error":
                complaint = failures.complaint_in(event.data)
                raise zhipu_error(complaint, otherwise=500, headers=self._headers, called=self._called)
            case "id":
                self._request_id = event.data.decode("utf-8", "replace")
            case "meta":
                self._task = decoded(_decode_task, event.data, self._called)
            case "":
                check(event.data, self._headers, self._called)
                return self._more(self._text(event), repeats=self._repeats)
        return None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self.is_done:
            raise failures.cut_off(self._called)
        number = self._task.number() or self._request_id
        return Delta(finish_reason="stop", usage=self._task.usage(), request_id=number)

    def _more(self, text: str, *, repeats: bool) -> Delta | None:
        if not repeats:
            self._said += text
        elif text.startswith(self._said):
            text, self._said = text[len(self._said) :], text
        else:
            raise failures.unreadable(b"words that differ from those it said before", self._called)
        return Delta(text=text) if text else None

    def _text(self, event: Event) -> str:
        return decoded(bytes.decode, event.data, self._called)


def turns(request: ChatRequest) -> list[tuple[str, str]]:
    """Who says what, user and assistant by turns from the user's first to the user's last.

    What the system says opens the user's first turn, for these protocols have no other place for it.
    """
    joined: list[tuple[str, str]] = [("user", system)] if (system := system_text(request)) else []
    for turn in request.messages:
        if turn.role == "system":
            continue
        role = "assistant" if turn.role == "assistant" else "user"
        text = words_alone(turn)
        if joined and joined[-1][0] == role:
            joined[-1] = (role, f"{joined[-1][1]}\n\n{text}")
        else:
            joined.append((role, text))
    if joined and joined[0][0] == "assistant":
        joined.insert(0, ("user", ""))
    if not joined or joined[-1][0] != "user":
        raise BadInputError("The last message must be the user's.", hint="Leave out the answer at its end.")
    return joined


def _unquoted(text: str) -> str:
    """The text inside its quotes; one that has none is meant as it is."""
    if len(text) < 2 or not (text[0] == text[-1] == '"'):
        return text
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.DecodeError:
        return text[1:-1]
