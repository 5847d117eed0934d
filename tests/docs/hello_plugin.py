"""Marks every answer with a header."""

from attrs import evolve

from proxy_daemon.hookspecs import hookimpl


@hookimpl
def llmproxy_response_head(exchange, head):
    return evolve(head, headers=head.headers.plus((b"X-Team", b"search")))
