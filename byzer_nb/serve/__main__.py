"""`python -m byzer_nb.serve`, the same as `byzerllm serve`; flags may have dashes too."""

from __future__ import annotations

from byzer_nb.cli.main import api_server

if __name__ == "__main__":
    raise SystemExit(api_server())
