"""What each format that is written may lose of a recording, in its own words: the table for tests and for docs.

`LOSSES[name]`: all words that `WrittenEntry.losses` may hold, but for why a recording is left out.
"""

from importlib import import_module

from proxy_daemon.core.cassettes import whole_exchange
from proxy_daemon.core.cassettes.foreign_text import DELIVERED, PATTERN
from proxy_daemon.core.cassettes.writers import WRITERS, writer_named

# What the writers of whole exchanges share, and do not name again.
_WHOLE = {
    whole_exchange.BASE_PATH,
    whole_exchange.NO_ADDRESS,
    whole_exchange.TARGET,
    whole_exchange.ODD_FIELDS,
    whole_exchange.WRITTEN,
    whole_exchange.PLACE,
    DELIVERED,
    PATTERN,
}
_OF_WHOLE_EXCHANGES = ("vcrpy", "har", "mitmproxy")


def _of(name):
    told = import_module(type(writer_named(name)).__module__).LOSSES
    return frozenset(told) | (_WHOLE if name in _OF_WHOLE_EXCHANGES else set())


LOSSES = {name: _of(name) for name in WRITERS}
