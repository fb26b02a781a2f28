# Every target makes .venv itself when it is needed; nothing has to be installed by hand but Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
TREE := build/typing
TINY := build/tiny
MINUTES ?= 100

.PHONY: help demo test engines lab check bench rivals tiny-model contract api clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/installed-base  ## Talk to the bundled model, right here in the terminal
	@echo "-- Talking to the bundled model: no key, no network."
	@$(RUN) -m byzer_nb.demo

test: $(VENV)/installed-dev  ## Run the tests, the quick ones first
	@echo "-- Running the tests."
	@$(RUN) -m pytest

engines: $(VENV)/installed-engines  ## Add vLLM and llama.cpp, so that make test leaves nothing out (several GB)

lab: $(VENV)/installed-lab  ## Open JupyterLab on the first notebook
	@echo "-- Opening JupyterLab on the first notebook; Ctrl-C twice ends it."
	@$(RUN) -m jupyterlab notebooks/01_first_prompt.ipynb

check: $(VENV)/installed-dev  ## Check format, lint and types
	@echo "-- Checking format, lint and types."
	@$(RUN) -m ruff format --check --quiet . || { echo "Run: $(VENV)/bin/ruff format ."; exit 1; }
	@$(RUN) -m ruff check --quiet .
	@# mypy does not follow an editable install, so it is shown magics/ and widgets/ where they are imported from.
	@rm -rf $(TREE)/byzer_nb && mkdir -p $(TREE)/byzer_nb
	@ln -s $(CURDIR)/byzer_nb/* $(CURDIR)/magics $(CURDIR)/widgets $(TREE)/byzer_nb/
	@cd $(TREE) && $(abspath $(RUN)) -m mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache -p byzer_nb

bench: $(VENV)/installed-bench  ## Measure prompts, providers and typed answers beside others, byzer-tiny, and the pool beside bare Ray
	@echo "-- Measuring calls against a local upstream; a quiet machine gives the truest numbers."
	@$(RUN) benchmarks/prompt_overhead.py
	@$(RUN) benchmarks/providers.py
	@$(RUN) benchmarks/shapes.py
	@$(RUN) benchmarks/byzer_tiny.py
	@$(RUN) benchmarks/constrained.py
	@$(RUN) benchmarks/pool.py
	@$(RUN) benchmarks/gateway.py

rivals: build/litellm-venv/installed build/byzerllm-venv/installed  ## Put LiteLLM's proxy and byzerllm beside us, for make bench

tiny-model: $(VENV)/installed-dev  ## Train byzer-tiny anew in build/tiny, or go on there (MINUTES=100 of work), and measure it
	@echo "-- Training for $(MINUTES) minutes; Ctrl-C stops it, make tiny-model goes on."
	@$(RUN) -m byzer_nb.train.tiny --minutes $(MINUTES) --out $(TINY) --evaluate 2000 $(if $(wildcard $(TINY)/state.pt),--resume)
	@$(RUN) -m byzer_nb.backends.gguf $(TINY)/model $(TINY)/byzer-tiny-f16.gguf
	@echo "-- To ship it: cp $(TINY)/model/* byzer_nb/weights/byzer-tiny/, and the table of $(TINY)/scores.md into docs/byzer-tiny.md."

contract: $(VENV)/installed-dev  ## Show which test holds which promise
	@$(RUN) -m tests.house.contract

api: $(VENV)/installed-dev  ## Write the public surface down anew, to be read in the diff
	@echo "-- Writing tests/golden/api.txt."
	@$(RUN) -m tests.house.public_api

# Each in an environment of its own, because they pin what others need newer.
build/litellm-venv/installed:
	@echo "-- Installing LiteLLM's proxy in build/litellm-venv."
	@$(PYTHON) -m venv build/litellm-venv && build/litellm-venv/bin/pip install --quiet "litellm[proxy]<1.110" && touch $@

build/byzerllm-venv/installed:
	@echo "-- Installing byzerllm in build/byzerllm-venv."
	@$(PYTHON) -m venv build/byzerllm-venv && build/byzerllm-venv/bin/pip install --quiet "byzerllm[ray]" && touch $@

clean:  ## Remove everything that make made, .venv included
	@echo "-- Removing $(VENV), builds and caches."
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is older than pyproject.toml when the requirements have changed since.
$(VENV)/installed-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "byzer_nb needs Python 3.11 or newer, and $(PYTHON) is not: $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) tools/install.py $* $(VENV)
	@touch $@
