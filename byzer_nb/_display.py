"""How a thing shows itself when it is left on a cell's last line; no Jupyter import is needed for that."""

from __future__ import annotations

from collections.abc import Collection
from html import escape


class Displayed:
    """Shows plain text always and escaped HTML beside it; a subclass writes `_html`."""

    __slots__ = ()

    def _html(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        bundle = {"text/plain": repr(self), "text/html": self._html()}
        wanted = set(include or bundle) - set(exclude or ())
        return {mime: body for mime, body in bundle.items() if mime in wanted}


def key_value_table(rows: dict[str, object]) -> str:
    """A small HTML table of names and values, everything escaped."""
    left = "style='text-align:left'"
    body = "".join(
        f"<tr><th {left}>{escape(str(name))}</th><td {left}>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{body}</table>"
