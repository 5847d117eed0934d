"""Where clients are sent: each provider, addresses that the environment names, keys, proxies, and what is refused."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.cli import providers
from proxy_daemon.cli.providers import PROVIDERS, STAY_HOME
from proxy_daemon.cli.routes import (
    OWN,
    PLACEHOLDER,
    WrongAddress,
    environment,
    routes,
    trapped,
    with_placeholders,
)
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.upstreams import parse_upstream

URL = "http://127.0.0.1:4711"
NAMES = {each.name for provider in PROVIDERS for each in provider.variables}


def made(env, *given):
    found = routes(env, given)
    return environment(env, found, URL), [route.upstream for route in found if route.upstream]


# --- the table -------------------------------------------------------------------------------------------------------


def test_each_variable_and_each_name_is_there_once():
    variables = [each.name for provider in PROVIDERS for each in provider.variables]
    names = [provider.name for provider in PROVIDERS]
    assert len(set(variables)) == len(variables)
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", name) for name in variables)
    assert all(each.path == "" or re.fullmatch(r"(/[a-z0-9-]+)+", each.path) for p in PROVIDERS for each in p.variables)


@pytest.mark.parametrize("provider", [each for each in PROVIDERS if each.home], ids=lambda each: each.name)
def test_homes_are_upstreams_and_those_of_the_built_in_dialects(provider):
    home = parse_upstream(f"{provider.name}={provider.home.format(region='us-east-1')}")
    assert home.scheme == ("http" if provider.name == "ollama" else "https")
    known = {dialect.upstream_name: dialect.home for dialect in BUILT_IN} | {"ollama": "http://127.0.0.1:11434"}
    assert known.get(provider.name, home.url) == home.url


# --- addresses -------------------------------------------------------------------------------------------------------


def test_without_a_word_each_api_is_reached_by_its_name():
    env, upstreams = made({})
    assert env["OPENAI_BASE_URL"] == f"{URL}/_llmproxy/to/openai/v1"
    assert env["ANTHROPIC_BASE_URL"] == f"{URL}/_llmproxy/to/anthropic"
    assert env["OLLAMA_HOST"] == f"{URL}/_llmproxy/to/ollama"
    assert env["GEMINI_API_BASE"] == f"{URL}/_llmproxy/to/google/v1beta"
    assert env[OWN] == URL
    assert "openai=https://api.openai.com/v1" in upstreams
    assert "bedrock=https://bedrock-runtime.us-east-1.amazonaws.com" in upstreams
    assert {each.partition("=")[0] for each in upstreams} == {each.name for each in PROVIDERS if each.home}


@pytest.mark.parametrize("name", ["AZURE_OPENAI_ENDPOINT", "GOOGLE_VERTEX_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL"])
def test_an_api_whose_host_nobody_knows_is_left_alone(name):
    assert name not in made({})[0]
    assert name not in made({}, "demo:")[0]
    assert name not in with_placeholders({}, routes({}, ()))


@pytest.mark.parametrize(
    ("env", "upstream", "paths"),
    [
        (
            {"OPENAI_BASE_URL": "https://gw.example/llm/v1/"},
            "openai=https://gw.example:443",
            {"OPENAI_BASE_URL": "openai/llm/v1", "OPENAI_API_BASE": "openai/llm/v1"},
        ),
        (
            {"OPENAI_API_BASE": "http://gw.example:8000"},
            "openai=http://gw.example:8000",
            {"OPENAI_BASE_URL": "openai/v1", "OPENAI_API_BASE": "openai"},
        ),
        (
            {"AZURE_OPENAI_ENDPOINT": "https://ours.openai.azure.com"},
            "azure=https://ours.openai.azure.com:443",
            {"AZURE_OPENAI_ENDPOINT": "azure", "AZURE_API_BASE": "azure"},
        ),
        (
            {"OPENAI_BASE_URL": "http://h/a/v1", "OPENAI_API_BASE": "http://h/b/v1"},
            "openai=http://h:80",
            {"OPENAI_BASE_URL": "openai/a/v1", "OPENAI_API_BASE": "openai/b/v1"},
        ),
        ({"OLLAMA_HOST": "gpu"}, "ollama=http://gpu:11434", {"OLLAMA_HOST": "ollama"}),
        ({"OLLAMA_HOST": "gpu:8080"}, "ollama=http://gpu:8080", {"OLLAMA_BASE_URL": "ollama/v1"}),
        ({"OLLAMA_HOST": ":8080"}, "ollama=http://127.0.0.1:8080", {}),
        ({"OLLAMA_HOST": "0.0.0.0"}, "ollama=http://127.0.0.1:11434", {}),
        ({"OLLAMA_HOST": "0.0.0.0:99"}, "ollama=http://127.0.0.1:99", {}),
        ({"OLLAMA_HOST": "[::1]"}, "ollama=http://[::1]:11434", {}),
        ({"OLLAMA_HOST": "[::1]:99/deep"}, "ollama=http://[::1]:99", {"OLLAMA_HOST": "ollama/deep"}),
        ({"OLLAMA_HOST": "https://gpu"}, "ollama=https://gpu:443", {"OLLAMA_HOST": "ollama"}),
        ({"AWS_REGION": "eu-west-1"}, "bedrock=https://bedrock-runtime.eu-west-1.amazonaws.com", {}),
        ({"AWS_DEFAULT_REGION": "eu-north-1"}, "bedrock=https://bedrock-runtime.eu-north-1.amazonaws.com", {}),
    ],
)
def test_an_address_of_the_environment_becomes_the_upstream(env, upstream, paths):
    found, upstreams = made(env)
    assert upstream in upstreams
    for name, path in paths.items():
        assert found[name] == f"{URL}/_llmproxy/to/{path}"
    for each in upstreams:
        parse_upstream(each)


def test_an_empty_variable_says_nothing():
    assert made({"OPENAI_BASE_URL": " "})[0]["OPENAI_BASE_URL"] == f"{URL}/_llmproxy/to/openai/v1"


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"OPENAI_BASE_URL": "gw.example/v1"}, r"\$OPENAI_BASE_URL: .* must be an http or https URL"),
        ({"OPENAI_BASE_URL": "ftp://gw.example/v1"}, r"\$OPENAI_BASE_URL"),
        ({"OPENAI_BASE_URL": "demo:"}, r"\$OPENAI_BASE_URL: an http or https URL is needed"),
        ({"ANTHROPIC_BASE_URL": "https://user:geheim@gw.example"}, r"\$ANTHROPIC_BASE_URL: .* credentials"),
        ({"CO_API_URL": "https://gw.example/?key=geheim"}, r"\$CO_API_URL"),
        ({"OLLAMA_HOST": "gpu:port"}, r"\$OLLAMA_HOST"),
        (
            {"OPENAI_BASE_URL": "https://a/v1", "OPENAI_API_BASE": "https://b/v1"},
            "different hosts.*--upstream openai=URL",
        ),
        ({"AWS_REGION": "evil.example/"}, r"\$AWS_REGION.*us-east-1"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(env, message):
    with pytest.raises(WrongAddress, match=message) as raised:
        routes(env, ())
    assert "geheim:" not in str(raised.value)
    assert "user" not in str(raised.value)


def test_one_upstream_gets_everything_that_has_no_name():
    env, upstreams = made({"OPENAI_BASE_URL": "https://gw.example/v1"}, "https://all.example/v1", "anthropic=demo:")
    assert upstreams == []
    assert env["OPENAI_BASE_URL"] == f"{URL}/v1"
    assert env["ANTHROPIC_BASE_URL"] == f"{URL}/_llmproxy/to/anthropic"
    assert env["CO_API_URL"] == URL


def test_a_named_upstream_takes_the_place_of_the_home():
    env, upstreams = made({}, "openai=https://gw.example/v1", "mine=http://127.0.0.1:9/v1")
    assert env["OPENAI_BASE_URL"] == f"{URL}/_llmproxy/to/openai/v1"
    assert not any(each.startswith(("openai=", "mine=")) for each in upstreams)
    assert "anthropic=https://api.anthropic.com" in upstreams


def test_an_upstream_by_name_brings_azure_in():
    assert made({}, "azure=https://ours.openai.azure.com")[0]["AZURE_OPENAI_ENDPOINT"] == f"{URL}/_llmproxy/to/azure"


ADDRESSES = st.text(max_size=60) | st.text(max_size=60).map("http://".__add__) | st.text(max_size=9).map(":".__add__)


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), ADDRESSES, max_size=3))
def test_whatever_the_environment_says_there_are_routes_or_one_line(env):
    found, wrong = (), ""
    try:
        found = routes(env, ())
    except WrongAddress as error:
        wrong = str(error)
    assert bool(found) != wrong.startswith("$")
    for name, value in environment(env, found, URL).items():
        assert not found or name not in NAMES or not value.strip() or value.startswith(URL)
    for route in found:
        parse_upstream(route.upstream)


# --- keys and proxies ------------------------------------------------------------------------------------------------


def test_who_has_no_key_gets_one_that_opens_nothing():
    env = with_placeholders({"GOOGLE_API_KEY": "own", "OPENAI_API_KEY": ""}, routes({}, ()))
    assert env["OPENAI_API_KEY"] == env["ANTHROPIC_API_KEY"] == PLACEHOLDER
    assert env["GOOGLE_API_KEY"] == "own"
    assert "GEMINI_API_KEY" not in env
    assert "ANTHROPIC_AUTH_TOKEN" not in env


@pytest.mark.parametrize("name", ["", *providers._AWS_KEYS, "AWS_ACCESS_KEY_ID"])
def test_credentials_of_aws_come_as_a_pair_or_not_at_all(name):
    made_up = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    env = with_placeholders({name: "own"}, routes({}, ()))
    assert made_up & {each for each, value in env.items() if value == PLACEHOLDER} == (set() if name else made_up)
    assert "AWS_BEARER_TOKEN_BEDROCK" not in env or name == "AWS_BEARER_TOKEN_BEDROCK"


@pytest.mark.parametrize("name", STAY_HOME)
def test_downloads_are_left_out_unless_the_environment_speaks_of_them(name):
    assert made({})[0][name] == "True"
    assert made({name: ""})[0][name] == ""
    assert made({name: "False"})[0][name] == "False"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "corp.example, localhost"}, "corp.example,localhost,127.0.0.1,::1"),
        ({"no_proxy": "corp.example"}, "corp.example,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "*"}, "*"),
        ({"NO_PROXY": "a,*"}, "*"),
    ],
)
def test_no_proxy_stands_before_the_daemon(before, after):
    env = environment(before, (), URL)
    assert env["NO_PROXY"] == env["no_proxy"] == after


def test_the_trap_is_before_every_other_address():
    env = trapped({"NO_PROXY": "*", "HTTPS_PROXY": "http://corp.example:3128", "PATH": os.defpath}, URL)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        assert env[name] == env[name.lower()] == URL
    assert env["NO_PROXY"] == env["no_proxy"] == "localhost,127.0.0.1,::1"
    assert env["NODE_USE_ENV_PROXY"] == "1"
    assert env["PATH"] == os.defpath
