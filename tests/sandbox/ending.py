"""How code ends that goes too far; the checks before a run are left out."""

from __future__ import annotations

import textwrap

import pytest

from byzer_nb.errors import SandboxError
from byzer_nb.sandbox import SAFE_IMPORTS, Limits, run_function

ROOMY = Limits(wall_seconds=60, cpu_seconds=20)
# The known way from any value to the os module, past every check of names.
ESCAPE = """
    loaded = [each for each in ().__class__.__mro__[1].__subclasses__() if each.__name__ == "_wrap_close"]
    os = loaded[0].__init__.__globals__
    sys = os["sys"]
    real_import = sys.modules["builtins"].__import__
"""


def ended(body: str, *, escape: bool = False, limits: Limits = ROOMY, imports: str = "") -> SandboxError:
    """The error with which a function of this body ends."""
    source = "def f():" + (ESCAPE if escape else "\n") + textwrap.indent(textwrap.dedent(body).strip(), "    ")
    with pytest.raises(SandboxError) as caught:
        run_function(source, "f", {}, limits=limits, allowed_imports=SAFE_IMPORTS | set(imports.split()))
    assert "byzer_nb" not in caught.value.output  # the traceback is that of the source
    return caught.value
