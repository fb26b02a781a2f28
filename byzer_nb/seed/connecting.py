"""`connect_cluster`, as the documents call it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from byzer_nb.cluster.session import connect


def connect_cluster(
    address: str = "auto",
    java_home: str | None = None,
    code_search_path: Sequence[str] | None = None,
    init_options: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Join the Ray cluster at `address`; a second time does nothing. The environment handed to Ray, which is empty.

    `"auto"` is the cluster on this machine, `"local"` a private one, `"ray://host:10001"` one that is reached from
    outside. The two arguments about Java belong to an engine of the original and change nothing here.
    """
    if (java_home or code_search_path) and shutil.which("java") is None:
        warnings.warn("There is no Java here, so java_home and code_search_path are ignored.", stacklevel=2)
    connect(address, init_options=init_options)
    return {}
