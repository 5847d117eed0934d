# Two commands on a fresh machine with Python >= 3.11 and make:
#   make demo       the main job, on the built-in model: record, stream, replay with the upstream gone, a miss explained
#   make test       the tests that need nothing but Python
# More: make test-all (Node, Chromium and more SDKs too), make check (types, style), make bench (speed, against peers),
#   make fuzz SECONDS=3600 (hostile octets for so long)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test test-all check bench fuzz clean

demo: $(VENV)/installed
	$(BIN)/llmproxy demo

# Hundreds of Pythons are started: the later ones load what the first ones have compiled.
test: $(VENV)/installed-test .sdk/openai2
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -m "not more" -n auto --dist worksteal

test-all: test tests/node/node_modules .sdk/more .sdk/litellm .sdk/predecessors .sdk/mitmproxy \
		.sdk/vcrpy .sdk/rechat .sdk/schemathesis $(VENV)/installed-browser
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -m more -n auto --dist loadfile

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

# Drives a Chromium that is there: the distribution's, or the one that $LLMPROXY_CHROMIUM names.
$(VENV)/installed-browser: setup.cfg | $(VENV)/bin/python
	$(PIP) install -e '.[browser]'
	touch $@
	@test -n "$$LLMPROXY_CHROMIUM" || command -v chromium || command -v chromium-browser || command -v google-chrome || \
	echo "Chromium is not installed: the tests of the web UI in a browser are skipped"

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

# What replays the cassettes of `llmproxy export --format vcrpy`, its plugin of pytest, and the clients to which it replays.
.sdk/vcrpy: | $(VENV)/bin/python
	$(PIP) install --target $@ 'vcrpy>=9.4,<10' pytest-recording requests httpx

# Whose filter language ours is (docs/filters.md), and whose flows we write: the last version for Python 3.11.
.sdk/mitmproxy: | $(VENV)/bin/python
	$(PIP) install --target $@ mitmproxy==11.0.2

# Whose users come with dumps and Markdown (docs/migrating.md); it stands on mitmproxy.
.sdk/rechat: | $(VENV)/bin/python
	$(PIP) install --target $@ rechat==0.1.7 mitmproxy==11.0.2

# What asks the API all that its OpenAPI description allows, and more.
.sdk/schemathesis: | $(VENV)/bin/python
	$(PIP) install --target $@ 'schemathesis>=4.32,<5'

tests/node/node_modules: tests/node/package.json
	@if command -v npm >/dev/null; then npm install --prefix tests/node --silent --no-fund --no-audit; \
	else echo "npm is not installed: the tests with the Node SDK are skipped"; fi

clean:
	rm -rf $(VENV) .sdk tests/node/node_modules build dist *.egg-info
