# Every target builds what it needs: a virtual environment in .venv and the pinned packages of
# constraints.txt. The stamp files in .venv remember what is installed, so a second call does nothing.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt
TORCH := $(shell grep '^torch==' constraints.txt)

# CPU=1 takes PyTorch's build without CUDA (Linux; on a Mac there is no other).
ifdef CPU
TORCH_INDEX := --extra-index-url https://download.pytorch.org/whl/cpu
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench peers soak docs pictures clean

help: ## say what there is
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile
	@echo "Without an NVIDIA GPU, add CPU=1 at the first call: the download shrinks from 3 GB to 200 MB (Linux)."

demo: $(VENV)/.demo ## tune a small network; options: make demo ARGS="--data fashion-mnist"
	@$(BIN)/welltempered demo $(ARGS)

test: $(VENV)/.dev ## run the tests; options: make test ARGS="-k sobol"
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev ## lint, formatting and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: $(VENV)/.dev ## measure the engine and record it in benchmarks/records/engine.json
	@$(BIN)/python -m benchmarks.engine --json benchmarks/records/engine.json $(ARGS)

# An environment takes up to 1.6 GB, all together 7 GB; CPU=1 keeps PyTorch's CUDA out of them too.
peers: $(VENV)/.dev ## make the environments of the peers that benchmarks run live; some: make peers ARGS="neps dehb"
	@$(if $(CPU),PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu) $(BIN)/python -m benchmarks.peers $(ARGS)

soak: $(VENV)/.dev ## kill studies hundreds of times and watch the memory of workers; about an hour (Linux)
	@$(BIN)/python -m soak --json soak/records/soak.json $(ARGS)

docs: $(VENV)/.docs ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict $(ARGS)

pictures: $(VENV)/.dev ## draw the pictures of the documentation anew
	@$(BIN)/python docs/pages.py
	@$(BIN)/python -m benchmarks.pictures

clean: ## remove .venv, site/ and every cache
	@rm -rf $(VENV) site build dist benchmarks/.peers benchmarks/.work .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is not it ($$($(PYTHON) --version 2>&1))." \
	       "Name another one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# The big download has a step, a warning and, on a terminal, a progress bar of its own.
$(VENV)/.torch: constraints.txt | $(VENV)/.python
	@echo "Installing $(TORCH): 80 MB on a Mac, 200 MB without and 3 GB with CUDA on Linux; once"
	@quiet=-qq; if [ -t 1 ]; then quiet=; fi; $(PIP) $$quiet $(TORCH_INDEX) '$(TORCH)'
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt $(VENV)/.torch
	@echo "Installing welltempered and what its demo needs (about 80 MB)"
	@$(PIP) -qq --editable '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.torch
	@echo "Installing welltempered and the tools of its developers (about 600 MB, most of it TensorFlow)"
	@$(PIP) -qq --editable '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: pyproject.toml constraints.txt | $(VENV)/.python
	@echo "Installing welltempered and the tools of its documentation (about 80 MB)"
	@$(PIP) -qq --editable '.[docs]'
	@touch $@
