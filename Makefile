# Every target sets up its own environment. README.md lists the same commands without make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
# onnxruntime and onnxruntime-gpu share a folder and overwrite each other, so install only one.
RUNTIME := $(if $(shell nvidia-smi -L 2>/dev/null),gpu,cpu)
OTHER := $(if $(filter gpu,$(RUNTIME)),onnxruntime,onnxruntime-gpu)
READY := $(VENV)/.ready-$(RUNTIME)

NODE := $(shell node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm)
JS := runtime/js
JS_READY := $(JS)/node_modules/.package-lock.json

.PHONY: demo demo-sprites starter starter-sprites test test-js test-lowest lint docs bench release clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'ganport needs Python 3.11 or newer: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip uninstall --quiet --quiet --yes $(OTHER)
	$(BIN)/python -m pip install -c constraints.txt -e ".[train,export,eval,serve,openvino,tensorboard,$(RUNTIME),dev]"
	rm -f $(VENV)/.ready-*
	touch $@

demo: $(READY)  ## draw data, train, export, verify, generate a sheet, measure it: under 8 minutes on 2 cores
	PATH="$(BIN):$$PATH" sh examples/demo.sh

demo-sprites: $(READY)  ## the same with pixel-art sprites: about 10 minutes on 2 cores
	PATH="$(BIN):$$PATH" sh examples/demo_sprites.sh

starter: $(READY)  ## rebuild the bundle that ships inside the runtime: 20 minutes on 1 core
	PATH="$(BIN):$$PATH" sh examples/starter.sh

starter-sprites: $(READY)  ## rebuild the bundle of sprites inside the runtime: 15 minutes on 1 core
	PATH="$(BIN):$$PATH" sh examples/starter_sprites.sh

test: $(READY)  ## run the default test suite in two processes: 6 to 12 minutes on 2 cores
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder
ifdef NODE
	$(MAKE) test-js
else
	@echo "The tests of $(JS) did not run: they need Node 20.16 or newer, with npm."
endif

test-js: $(JS_READY)  ## check the types of the JavaScript package and run its tests: 30 seconds
	npm --prefix $(JS) run --silent check
	npm --prefix $(JS) run --silent test

$(JS_READY): $(JS)/package-lock.json
	npm --prefix $(JS) ci
	touch $@

test-lowest:  ## run the tests on the lowest supported versions, in an environment of its own: Python 3.11 or 3.12
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct \
		-e ".[train,export,eval,serve,tensorboard,cpu,dev]"
	.venv-lowest/bin/python -m pytest -q

lint: $(READY)  ## check formatting, style, docstrings and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(READY)  ## build the pages and the API reference into docs/_build/html; warnings are errors
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

bench: $(READY)  ## measure ratios, ours against the alternative, interleaved
	$(BIN)/python benchmarks/run.py

release: $(READY)  ## build and check the wheel and the sdist; upload nothing
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
ifdef NODE
	$(MAKE) $(JS_READY)
	$(BIN)/python -m build --wheel --no-isolation --outdir dist runtime/onnxruntime_web
else
	@echo "The wheel ganport-onnxruntime-web was not built: it needs Node 20.16 or newer, with npm."
endif
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m pytest -q tests/test_wheel.py
	@echo "dist/ is ready: see CONTRIBUTING.md, Release"

clean:
	rm -rf $(VENV) .venv-lowest dist demo docs/_build $(JS)/node_modules
