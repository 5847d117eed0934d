"""The settings of replaying: when a recording answers, and how. Declared here, put into `Settings` by their names."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.matching.counting.match_on import parse_match_on
from proxy_daemon.core.matching.counting.stamps import parse_named
from proxy_daemon.core.matching.sequence import SEQUENCE, parse_repeat
from proxy_daemon.core.modes import NAMES
from proxy_daemon.core.speed import AT_ONCE, parse_speed
from proxy_daemon.settings.values import NEVER, choice, option, parse_flag, parse_seconds, parse_share, parse_text

GROUP, CASSETTES = "Replaying", "Cassettes"

mode: Any = option(
    "new_episodes",
    "off: forward only; new_episodes: replay what is recorded, else forward and record; none: replay or refuse; "
    "all: forward and record anew; once: record where the cassette is new, else as none; "
    "none is the default for a cassette in Markdown",
    "none",
    choice(*NAMES),
    GROUP,
)
replay_scope: Any = option(
    "",
    "all: anybody's recording answers; key: only one made with the same credential",
    "key",
    choice("key", "all"),
    GROUP,
    shown="all on loopback without client tokens, else key",
)
replay_max_age: Any = option(
    NEVER,
    "older recordings do not answer, except in mode none",
    "12h",
    parse_seconds,
    GROUP,
    shown="no limit",
    reload=True,
)
repeat: Any = option(
    SEQUENCE,
    "what answers a request that was recorded more than once: sequence (in order, then the last), exhaust (in "
    "order, then a miss), cycle, first, last, or random:SEED; each X-LLMProxy-Session has its own place",
    "exhaust",
    parse_repeat,
    GROUP,
    reload=True,
)
replay_speed: Any = option(
    AT_ONCE,
    "0: at once; 1: as recorded; 2: twice as fast; 20tps: 20 pieces a second",
    "20tps",
    parse_speed,
    GROUP,
    shown="0",
    reload=True,
)
match_on: Any = option(
    (),
    "what counts: these members of the body only, -PATH to leave one out, +header:NAME to add a field; repeatable",
    "model,messages,-messages.*.name,+header:x-team",
    parse_match_on,
    GROUP,
    repeatable=True,
    shown="all that can change the answer, see docs/matching.md",
)
match_keys: Any = option(
    "llmproxy",
    "how recordings are found: llmproxy; promptecho-2 makes the keys that promptecho 0.1.3 makes",
    "promptecho-2",
    choice("llmproxy", "promptecho-2"),
    GROUP,
)
volatile: Any = option(
    (),
    "what clients stamp into requests and does not count: dates, uuids, claude-code, codex, copilot-cli; "
    "repeatable; [[volatile]] tables make others",
    "claude-code",
    parse_named,
    GROUP,
    repeatable=True,
    shown="none",
)
fuzzy: Any = option(
    "diff",
    "on a miss: diff says how the nearest recording differs, serve answers with it where little does, "
    "serve-none in mode none too, off does nothing",
    "off",
    choice("off", "diff", "serve", "serve-none"),
    GROUP,
)
fuzzy_threshold: Any = option(
    0.8,
    "how alike the nearest recording must be to be served, 0 to 1; whatever its value, small edits of texts only",
    "0.98",
    parse_share,
    GROUP,
)
cassette: Any = option(
    "",
    "a file of recordings that people commit: what answers, and what is recorded; the store keeps the history only",
    "tests/cassettes/chat.yaml",
    parse_text,
    CASSETTES,
    shown="none",
)
cassette_dir: Any = option(
    "",
    "a directory of cassettes, NAME.yaml each, for requests to /_llmproxy/cassette/NAME/ or with X-LLMProxy-Cassette",
    "tests/cassettes",
    parse_text,
    CASSETTES,
    shown="none",
)
cassette_format: Any = option(
    "llmproxy",
    "how cassettes are written: llmproxy; promptecho and asgi-replay as those tools do, where they are to read them",
    "promptecho",
    choice("llmproxy", "promptecho", "asgi-replay"),
    CASSETTES,
)
increment: Any = option(
    False, "with --cassette-format asgi-replay, one file for each exchange", "", parse_flag, CASSETTES, flag=True
)
tolerate_damage: Any = option(False, "serve what is intact in a damaged cassette", "", parse_flag, CASSETTES, flag=True)
force: Any = option(
    False,
    "in mode all, also replace recordings of a cassette that somebody has edited or pinned",
    "",
    parse_flag,
    CASSETTES,
    flag=True,
)
