# Every target does its own set-up; each is thin: the work is in the commands it calls.
PYTHON ?= python3
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
# One onnxruntime, never both: they share a folder and overwrite each other.
RUNTIME := $(if $(shell nvidia-smi -L 2>/dev/null),gpu,cpu)
OTHER := $(if $(filter gpu,$(RUNTIME)),onnxruntime,onnxruntime-gpu)
READY := $(VENV)/.ready-$(RUNTIME)

.PHONY: demo starter test lint bench clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'ganport needs Python 3.11 or newer: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip uninstall --quiet --quiet --yes $(OTHER)
	$(BIN)/python -m pip install -c constraints.txt -e ".[train,export,eval,serve,openvino,tensorboard,$(RUNTIME),dev]"
	rm -f $(VENV)/.ready-*
	touch $@

demo: $(READY)  ## draw data, train, export, verify, draw a sheet, measure it: under 8 minutes on 2 cores
	PATH="$(BIN):$$PATH" sh examples/demo.sh

starter: $(READY)  ## make the bundle that ships inside the runtime again: 20 minutes on 1 core
	PATH="$(BIN):$$PATH" sh examples/starter.sh

test: $(READY)  ## the default suite, under 10 minutes on 2 cores
	$(BIN)/python -m pytest -q

lint: $(READY)  ## formatting, style, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)  ## ratios, ours against the alternative, interleaved
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) dist demo
