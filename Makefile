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

test-all: test tests/node/node_modules .sdk/more .sdk/litellm .sdk/predecessors
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

# Apart from those: it wants versions of its own of what they share.
.sdk/litellm: | $(VENV)/bin/python
	$(PIP) install --target $@ litellm boto3

# The tools whose cassettes are written too (`--cassette-format`): they read what we write.
.sdk/predecessors: | $(VENV)/bin/python
	$(PIP) install --target $@ promptecho==0.1.3 asgi-replay==0.1a0 httpx

tests/node/node_modules: tests/node/package.json
	@if command -v npm >/dev/null; then npm install --prefix tests/node --silent --no-fund --no-audit; \
	else echo "npm is not installed: the tests with the Node SDK are skipped"; fi

clean:
	rm -rf $(VENV) .sdk tests/node/node_modules build dist *.egg-info
