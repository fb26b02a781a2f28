"""The names that `byzerllm.utils.langutil` offers."""

from byzer_nb.seed.async_functions import asyncfy, asyncfy_with_semaphore
from byzer_nb.seed.loose_values import find_available_port, is_valid_url, to_bool
from byzer_nb.seed.put_back import patch, switch_cwd
from byzer_nb.seed.thread_runs import (
    CancellationRequested,
    run_in_raw_thread,
    run_in_thread,
    run_in_thread_with_cancel,
)

__all__ = [
    "CancellationRequested",
    "asyncfy",
    "asyncfy_with_semaphore",
    "find_available_port",
    "is_valid_url",
    "patch",
    "run_in_raw_thread",
    "run_in_thread",
    "run_in_thread_with_cancel",
    "switch_cwd",
    "to_bool",
]
