"""`python -m byzer_nb`, the same as `byzerllm`."""

from __future__ import annotations

from byzer_nb.cli.main import byzerllm

if __name__ == "__main__":
    raise SystemExit(byzerllm())
