"""Tests of hello_plugin.py: no sockets, no files, no waiting."""

import hello_plugin

from proxy_daemon.testing import Kit, script


def test_the_header_is_there():
    kit = Kit(hello_plugin)
    question = {"model": "demo-1", "messages": [{"role": "user", "content": "hi"}]}
    result = kit.send("/v1/chat/completions", question)
    assert result.headers.get(b"x-team") == b"search"


def test_it_is_there_on_errors_too():
    kit = Kit(hello_plugin, answer=lambda request: script('{"error": {}}', status=500))
    assert kit.send("/v1/models").headers.get(b"x-team") == b"search"
