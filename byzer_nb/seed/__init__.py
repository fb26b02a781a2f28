"""The dialect of the Byzer-LLM documents: `ByzerLLM`, `setup_*`, `"gen.stop"`; it ends in this folder."""
