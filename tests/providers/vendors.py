"""Every vendor with its stand-in: the suites that must hold for each of them run over this list.

A new vendor is one line here, a stand-in under tests/standins/ written from the vendor's public protocol, and a test
file of its own for what is special about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byzer_nb.engines import build
from byzer_nb.types import DeploySpec, Engine
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act, VendorStandIn

Settings = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor's chat model, and what its protocol cannot say.

    `settings` are those for a stand-in. `wrong_key` changes them into some that the vendor refuses. `errors_in_success`
    are failures that come with HTTP 200, each with whether another try makes sense.
    """

    engine: str
    standin: Callable[[], VendorStandIn]
    settings: Callable[[Any], Settings]  # Any: the vendor's own stand-in
    name: str = ""  # where one engine stands here twice
    wrong_key: Mapping[str, str] = field(default_factory=lambda: {"api_key": "sk-wrong-0123456789abcdef-canary"})
    errors_in_success: tuple[tuple[Act, bool], ...] = ()
    counts_apart: bool = True  # says how many tokens were read and how many were written
    http: bool = True  # asks with HTTP requests, so that a status can refuse it
    thinks: bool = True  # may send its reasoning beside the answer
    text_events: bool = True  # its stream is made of lines, which may end in CRLF and carry comments

    def __str__(self) -> str:
        return self.name or self.engine

    def build(self, standin: VendorStandIn, *, name: str = "chat", **settings: Any) -> Engine:
        """An engine for a stand-in; it tries once unless told otherwise."""
        usual = {"max_retries": 0, **self.settings(standin)}
        return build(DeploySpec(name=name, engine=self.engine, settings=usual | settings))


def _openai(standin: OpenAIStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "gpt-4o"}


VENDORS: list[Vendor] = [
    Vendor(engine="saas/openai", standin=OpenAIStandIn, settings=_openai),
]
