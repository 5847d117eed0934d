# Two commands on a fresh machine with Python >= 3.11 and make:
#   make demo       the main job, on the built-in model: record, stream, replay with the upstream gone, a miss explained
#   make test       the tests that need nothing but Python
# More: make test-all (Node and more SDKs too), make check (types, style), make bench (speed, against peers),
#   make fuzz SECONDS=3600 (hostile octets for so long)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test test-all check bench fuzz clean

demo: $(VENV)/installed
	$(BIN)/llmproxy demo

test: $(VENV)/installed-test .sdk/openai2
	$(BIN)/python -m pytest -m "not more" -n auto --dist worksteal

test-all: test tests/node/node_modules .sdk/more
	$(BIN)/python -m pytest -m more

check: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed-bench
	$(BIN)/python benchmarks/bench.py $(BENCH)

SECONDS ?= 600
fuzz: $(VENV)/installed-test
	LLMPROXY_TEST_FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest tests/net/test_net_fuzz.py tests/core/test_core_corpus_fuzz.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: setup.cfg | $(VENV)/bin/python
	$(PIP) install -e .
	touch $@

$(VENV)/installed-test: setup.cfg | $(VENV)/bin/python
	$(PIP) install -e '.[test]'
	touch $@ $(VENV)/installed

$(VENV)/installed-bench: setup.cfg | $(VENV)/bin/python
	$(PIP) install -e '.[bench]'
	touch $@ $(VENV)/installed

# The older major version of the SDK, beside the newest one: the tests run both.
.sdk/openai2: | $(VENV)/bin/python
	$(PIP) install --target $@ 'openai>=2,<3'

# The SDKs of other vendors, with all that they need: no other test sees it.
.sdk/more: | $(VENV)/bin/python
	$(PIP) install --target $@ google-genai ollama mistralai cohere

tests/node/node_modules: tests/node/package.json
	@if command -v npm >/dev/null; then npm install --prefix tests/node --silent --no-fund --no-audit; \
	else echo "npm is not installed: the tests with the Node SDK are skipped"; fi

clean:
	rm -rf $(VENV) .sdk tests/node/node_modules build dist *.egg-info
