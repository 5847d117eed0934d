"""llmproxy: a daemon between LLM clients and LLM APIs. Start reading in `hookspecs.py` and `pipeline/exchange.py`."""

__version__ = "0.1.0"
