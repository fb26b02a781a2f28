"""Every error of byzer_nb.

    ByzerError
    ├── BadInputError (ValueError)            an argument has a value that cannot work
    │   ├── MissingFileError (FileNotFoundError)  a file is not there
    │   ├── MissingModelError (FileNotFoundError)  a folder is not there, or is no model
    │   ├── PromptTooLongError                a prompt leaves the model no room for an answer
    │   ├── MissingSettingError               an engine was not given what it cannot do without
    │   └── PromptError                       a prompt function or its template is wrong
    │       └── UndefinedVariableError (NameError)   a template asks for a name nobody gave
    ├── WrongTypeError (TypeError)            an argument is of the wrong kind
    ├── UnknownNameError (LookupError)        a registry has no such name
    │   └── UnknownModelError (ValueError)    no running model has that name
    ├── UnsupportedError (NotImplementedError)  the model or engine cannot do this
    ├── MissingExtraError (ImportError)       an optional package is not installed
    ├── NotConnectedError (RuntimeError)      this needs a Ray cluster and there is none
    ├── LoopError (RuntimeError)              a sync call cannot wait here, or its loop was closed under it
    ├── AnswerError (ValueError)              the answer cannot be turned into what was asked for
    ├── SandboxError (RuntimeError)           code in the sandbox gave no result, or would not be let in
    ├── McpError (RuntimeError)               a server of tools did not start, ended, or refused
    ├── GatewayError (RuntimeError)           a gateway did not start, or there is none
    └── ModelCallError (RuntimeError)         a call to a model failed
        ├── RefusedError (PermissionError)    the key or the account was refused
        ├── RateLimitedError                  too many requests or tokens
        ├── UnreachableError (ConnectionError)  no connection, or it broke
        └── CallTimeoutError (TimeoutError)   no answer in time

Each is also the builtin that a caller would expect, and carries the next thing to type in `hint`.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

__all__ = [
    "AnswerError",
    "BadInputError",
    "ByzerError",
    "CallTimeoutError",
    "GatewayError",
    "LoopError",
    "McpError",
    "MissingExtraError",
    "MissingFileError",
    "MissingModelError",
    "MissingSettingError",
    "ModelCallError",
    "NotConnectedError",
    "PromptError",
    "PromptTooLongError",
    "RateLimitedError",
    "RefusedError",
    "SandboxError",
    "UndefinedVariableError",
    "UnknownModelError",
    "UnknownNameError",
    "UnreachableError",
    "UnsupportedError",
    "WrongTypeError",
]


class ByzerError(Exception):
    """The root: what failed, and in `hint` the next thing to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(hint)

    def __str__(self) -> str:
        return self.message  # LookupError and OSError have forms of their own that would quote or split it

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross processes, and the usual way would call the class again without its keyword arguments.
        return _error_again, (type(self), self.args, self.__dict__)

    @classmethod
    def restored(cls, message: str, carried: dict[str, Any]) -> Self:
        """An error as it was in another process, with the attributes that it carried there."""
        error = _error_again(cls, (message,), {"hint": "", **carried, "message": message})
        if error.hint:
            error.add_note(error.hint)
        return error


Error = TypeVar("Error", bound=ByzerError)


def _error_again(cls: type[Error], args: tuple[Any, ...], attributes: dict[str, Any]) -> Error:
    builtin: Any = cls
    while builtin.__module__ != "builtins":
        builtin = builtin.__base__  # the one base that says how an instance is laid out
    error: Error = builtin.__new__(cls)
    error.args = args
    error.__dict__.update(attributes)
    return error


class BadInputError(ByzerError, ValueError):
    """An argument has a value that cannot work."""


class MissingFileError(BadInputError, FileNotFoundError):
    """A file that was named is not there."""


class PromptTooLongError(BadInputError):
    """A prompt is longer than what the model takes for it and the answer together."""


class MissingModelError(BadInputError, FileNotFoundError):
    """The folder of a model is not there, or what lies in it is no model."""


class MissingSettingError(BadInputError):
    """An engine was not given what it cannot do without; `setting` is the name of that, as `load` takes it.

    Where there are several ways to give it, `ways` says which.
    """

    def __init__(self, message: str, *, setting: str, hint: str = "", ways: str = "") -> None:
        super().__init__(message, hint=hint)
        self.setting = setting
        self.ways = ways


class PromptError(BadInputError):
    """A prompt function or its template is wrong."""


class UndefinedVariableError(PromptError, NameError):
    """A template asks for a name that nobody gave; `variable` is that name."""

    # Not NameError's own `name`: Python would add the nearest name of our code to the message.

    def __init__(self, message: str, *, variable: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.variable = variable


class WrongTypeError(ByzerError, TypeError):
    """An argument is of the wrong kind."""


class UnknownNameError(ByzerError, LookupError):
    """A registry has no such name."""


class UnknownModelError(UnknownNameError, ValueError):
    """No running model has the asked-for name."""


class UnsupportedError(ByzerError, NotImplementedError):
    """The model or the engine cannot do this."""


class MissingExtraError(ByzerError, ImportError):
    """An optional package is not installed."""


class NotConnectedError(ByzerError, RuntimeError):
    """This needs a Ray cluster, and the process is connected to none."""


class LoopError(ByzerError, RuntimeError):
    """A sync call was made where only an async one can work, or the loop behind it was closed."""


class AnswerError(ByzerError, ValueError):
    """The model's answer cannot be turned into what was asked for; `answer` is its text.

    `problems` says what is wrong with it in words for the model, place by place.
    """

    def __init__(self, message: str, *, answer: str, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.answer = answer
        self.problems = problems


class SandboxError(ByzerError, RuntimeError):
    """Code in the sandbox gave no result: `reason` is one word for why, `output` what it printed and its traceback.

    The words: "source" (it cannot work as it is written), "refused" (it tried what is not allowed), "raised", "exit",
    "crash", "start", and the limits "time", "cpu", "memory", "output", "result"; the last also for what is no JSON.
    """

    def __init__(self, message: str, *, reason: str, output: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.output = output


class McpError(ByzerError, RuntimeError):
    """An MCP server did not do what was asked of it: `reason` is one word for why.

    The words: "start" (it could not be started), "died", "closed" (by us), "unreachable", "refused" (the key), "http"
    (another status of HTTP), "time", "version" (of the protocol), "protocol" (what it says is not that), "session" (it
    forgot ours), "answer" (it refused a request), "tool" (it did what was asked, and the tool failed).
    """

    def __init__(self, message: str, *, reason: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class GatewayError(ByzerError, RuntimeError):
    """A gateway did not start, or there is none."""


class ModelCallError(ByzerError, RuntimeError):
    """A call to a model failed: who was asked, with what status, and whether another try makes sense."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        provider: str = "",
        model: str = "",
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retryable: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.provider = provider
        self.model = model
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retryable = retryable


class RefusedError(ModelCallError, PermissionError):
    """The provider refused the key or the account."""


class RateLimitedError(ModelCallError):
    """The provider wants fewer requests or tokens; `retry_after` is its own wish in seconds, if it gave one."""

    retry_after: float | None = None


class UnreachableError(ModelCallError, ConnectionError):
    """No connection to the provider, or it broke before the answer was whole."""


class CallTimeoutError(ModelCallError, TimeoutError):
    """No answer in time."""
