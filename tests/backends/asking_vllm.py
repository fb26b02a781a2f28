"""Asks bare vLLM for greedy answers: `python asking_vllm.py MODEL FOLDER TOKENS`, with texts in the folder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
os.environ["VLLM_CPU_KVCACHE_SPACE"] = "1"
os.environ["VLLM_LOGGING_LEVEL"] = "WARNING"
os.environ["VLLM_NO_USAGE_STATS"] = "1"


def main(model: str, folder: Path, tokens: int) -> None:
    """The answers to the conversations in `asked.json` go into `answers.json`."""
    from vllm import LLM, SamplingParams

    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    engine = LLM(
        model=model,
        dtype="float32",
        max_model_len=1024,
        enforce_eager=True,
        num_gpu_blocks_override=256,
        max_num_seqs=16,
        distributed_executor_backend="uni",
        disable_log_stats=True,
    )
    sampling = SamplingParams(temperature=0, max_tokens=tokens)
    plain = [each["messages"] for each in asked if not each["tools"]]
    answers = [output.outputs[0].text for output in engine.chat(plain, sampling, use_tqdm=False)] if plain else []
    for each in asked:
        if each["tools"]:
            (output,) = engine.chat([each["messages"]], sampling, use_tqdm=False, tools=each["tools"])
            answers.append(output.outputs[0].text)
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
