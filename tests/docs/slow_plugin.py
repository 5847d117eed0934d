"""Asks a policy server before each request; it may take two seconds."""

from twisted.internet.defer import Deferred

from proxy_daemon.hookspecs import deadline, hookimpl


@hookimpl
@deadline(2)
async def llmproxy_request(exchange):
    await Deferred()  # a server that never answers
