"""Asks bare llama.cpp for greedy answers: `python asking_llama_cpp.py FILE FOLDER TOKENS`, with texts in the folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(model: str, folder: Path, tokens: int) -> None:
    """The answers to the conversations in `asked.json` go into `answers.json`."""
    from llama_cpp import Llama
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    engine = Llama(model_path=model, n_ctx=1024, n_threads=1, verbose=False)
    # The template out of the file itself, rendered with the tools.
    template = Jinja2ChatFormatter(template=engine.metadata["tokenizer.chat_template"], eos_token="", bos_token="")
    answers = []
    for each in asked:
        prompt = template(messages=each["messages"], **({"tools": each["tools"]} if each["tools"] else {})).prompt
        ids = engine.tokenize(prompt.encode(), add_bos=False, special=True)
        said = engine.create_completion(ids, max_tokens=tokens, temperature=0)
        answers.append(said["choices"][0]["text"])
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    engine.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
