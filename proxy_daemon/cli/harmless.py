"""Text of others as a terminal may show it: see `core/harmless.py`. Called by the commands."""

from proxy_daemon.core.harmless import harmless, one_line

__all__ = ["harmless", "one_line"]
