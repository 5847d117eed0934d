"""The built-in features, in the order in which they are registered: the product's table of contents.

pluggy calls the last registered first, so third parties come before all of these.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.plugins.cassettes import Cassettes
from proxy_daemon.plugins.console import Console
from proxy_daemon.plugins.counters import Counters
from proxy_daemon.plugins.live import Live
from proxy_daemon.plugins.nearest import Nearest
from proxy_daemon.plugins.replay import Replay
from proxy_daemon.plugins.request_log import RequestLog
from proxy_daemon.plugins.rewriting import Rewriting
from proxy_daemon.plugins.verdict import Verdict


def built_in() -> list[tuple[str, Any]]:
    """(name, plugin) of each, new ones for one daemon."""
    return [
        ("live", Live()),  # called last: it sees what clients get
        ("replay", Replay()),
        ("nearest", Nearest()),
        ("request-log", RequestLog()),
        ("console", Console()),
        ("counters", Counters()),
        ("verdict", Verdict()),
        ("cassettes", Cassettes()),
        ("rewriting", Rewriting()),
    ]
