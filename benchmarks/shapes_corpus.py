"""The dirty replies of the tests that mean an object of a pydantic class, which every library takes."""

from __future__ import annotations

from pydantic import BaseModel

from tests.prompts.reply_corpus import TYPES, DirtyReply, replies


def class_of(reply: DirtyReply) -> type[BaseModel] | None:
    """The class that the reply answers to, if it is one of pydantic's."""
    wanted = TYPES[reply.wanted]
    return wanted if isinstance(wanted, type) and issubclass(wanted, BaseModel) else None


CASES = [reply for reply in replies("dirty_replies") if reply.value and class_of(reply) is not None]
