"""The page on rewriting: its recipe for a key reaches the upstream, and its table of APIs says what the code does."""

from pathlib import Path

import orjson
import pytest
from page_player import blocks, command
from rig import json_answer

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.rewriting.channels import channels_for
from proxy_daemon.core.rewriting.editor import can_move

PAGE = (Path(__file__).parents[2] / "docs" / "rewriting.md").read_text()
# By the name of a row: a request of that API.
ASKED = {
    "chat completions": ("/v1/chat/completions", {}),
    "legacy completions": ("/v1/completions", {}),
    "OpenAI Responses": ("/v1/responses", {}),
    "Anthropic messages": ("/v1/messages", {}),
    "Anthropic legacy completions": ("/v1/complete", {"max_tokens_to_sample": 9}),
    "Gemini": ("/v1beta/models/m:generateContent", {}),
    "Ollama": ("/api/chat", {}),
    "Bedrock Converse": ("/model/m/converse", {}),
    "Bedrock `invoke`": ("/model/m/invoke", {}),
    "Cohere v2": ("/v2/chat", {}),
    "Cohere v1": ("/v1/chat", {"message": "hi"}),
    "Mistral chat": ("/v1/chat/completions", {"safe_prompt": True}),
    "Mistral conversations": ("/v1/conversations", {"inputs": "hi"}),
    "DashScope": ("/api/v1/services/aigc/text-generation/generation", {}),
    "Text Generation Inference": ("/generate", {"inputs": "hi"}),
    "OpenAI assistants": ("/v1/threads/t/runs", {}),
    "Replicate": ("/v1/predictions", {}),
    "embeddings, images, sound, files, all other APIs": ("/v1/embeddings", {}),
}
# Those of which some answers have a place and others have none: told by each text.
BY_TEXT = ("Anthropic legacy completions", "Mistral conversations")


def table():
    text = PAGE.partition("| API |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_the_table_has_all_apis():
    assert [row[0] for row in table()] == list(ASKED)


@pytest.mark.parametrize(("api", "texts", "place"), table())
def test_the_table_says_what_the_code_does(api, texts, place):
    target, body = ASKED[api]
    request = Request(b"POST", target.encode(), Headers([]), Bytes(orjson.dumps({"model": "m", **body})))
    dialect = recognise(request, BUILT_IN)
    assert (channels_for(dialect, request) is None) == (texts == "none")
    if api not in BY_TEXT:
        assert can_move(dialect, request) == (not place.startswith("nowhere"))


def test_the_recipe_for_a_key(daemon, upstream, tmp_path):
    def play(peer):
        heads.append(peer.request()[0])
        peer.send(json_answer({"choices": []}))
        peer.rest()

    heads, key = [], tmp_path / "local.key"
    (recipe,) = [content for _, _, _, content in blocks(PAGE) if "--upstream-key" in content]
    key.write_text("sk-of-the-daemon\n")
    key.chmod(0o600)
    url = upstream(play).url
    words = [word.replace("https://llm.example.com", url) for word in command(recipe)[1]]
    front = daemon(*(word.replace("/etc/llmproxy/local.key", str(key)) for word in words))
    assert front.chat(headers={"Authorization": "Bearer of-the-client"})[0] == 200
    assert b"\r\nAuthorization: Bearer sk-of-the-daemon\r\n" in heads[0]
    assert b"of-the-client" not in heads[0]
