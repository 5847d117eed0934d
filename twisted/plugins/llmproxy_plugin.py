"""Tells twistd that `twistd llmproxy` exists. Only dotted names here, so that twistd's own options still rule."""

from twisted.application.service import ServiceMaker

llmproxy = ServiceMaker(
    "llmproxy",
    "proxy_daemon.tap",
    "A proxy between LLM clients and LLM APIs that records, replays and explains",
    "llmproxy",
)
