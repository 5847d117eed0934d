"""llmproxy: a daemon between LLM clients and LLM APIs. Start reading in `hookspecs.py` and `pipeline/exchange.py`.

For tests there is `proxy_daemon.use_cassette`; importing this package loads nothing until it is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxy_daemon.in_tests.use_cassette import use_cassette

__all__ = ["__version__", "use_cassette"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """PEP 562."""
    if name != "use_cassette":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from proxy_daemon.in_tests.use_cassette import use_cassette  # noqa: PLC0415  (see above)

    return use_cassette
