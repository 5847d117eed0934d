"""From mitmproxy's server replay: flows that `mitmdump -w` wrote of real SDKs answer, and ours go back to mitmdump.

It stands before the built-in model as a reverse proxy. See docs/migrating.md.
"""

import sys

import pytest
from anthropic import Anthropic
from openai import APIStatusError, OpenAI
from real_tools import llmproxy, packages, served
from rig import Daemons

pytestmark = pytest.mark.more

DUMP = "from mitmproxy.tools.main import mitmdump; mitmdump()"
READY = r" listening at ([0-9.]+:[0-9]+)"
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


def asking(url):
    return OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)


def whole(url, **more):
    with asking(url) as client:
        found = client.chat.completions.create(model="demo-1", messages=FRANCE, **more)
    return found.id, found.choices[0].message.content


def streamed(url):
    with asking(url) as client:
        pieces = [*client.chat.completions.create(model="demo-1", messages=FRANCE, stream=True)]
    return pieces[0].id, "".join(each.choices[0].delta.content or "" for each in pieces if each.choices)


def by_anthropic(url):
    with Anthropic(base_url=url, api_key="k", max_retries=0) as client:
        found = client.messages.create(model="demo-1", max_tokens=50, messages=FRANCE)
    return found.id, found.content[0].text


CALLS = [whole, streamed, by_anthropic]


def mitmdump(folder, *options):
    """While the block runs; gives its address."""
    theirs = packages("mitmproxy", "mitmproxy")
    words = ["--listen-host", "127.0.0.1", "--listen-port", "0", "--set", f"confdir={folder}", *options]
    return served(sys.executable, "-c", DUMP, *words, ready=READY, cwd=folder, folder=theirs)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """(the flows of a session, what was said in it, the address that was asked); its upstream has gone."""
    folder = tmp_path_factory.mktemp("session")
    packages("mitmproxy", "mitmproxy")
    daemons = Daemons(tmp_path_factory.mktemp("daemon"))
    upstream = daemons.start("--upstream", "demo:").url
    with mitmdump(folder, "--mode", f"reverse:{upstream}", "-w", folder / "flows") as address:
        heard = [each(f"http://{address}") for each in CALLS]
    daemons.stop()
    return folder / "flows", heard, upstream


def test_a_file_of_flows_answers(daemon, session):
    proxy = daemon("--cassette", str(session[0]), "--mode", "none")
    assert [each(proxy.url) for each in CALLS] == session[1]
    assert [each(proxy.url) for each in CALLS] == session[1]  # server_replay_reuse


def test_what_it_calls_extra_is_refused_or_forwarded(daemon, session, tmp_path):
    proxy = daemon("--cassette", str(session[0]), "--mode", "none")
    with pytest.raises(APIStatusError, match="temperature") as caught:
        whole(proxy.url, temperature=0)
    assert caught.value.status_code == 424
    llmproxy("import", session[0], "--store", "s.db", "--as", "demo:", cwd=tmp_path)
    proxy = daemon("--upstream", "demo:", store=tmp_path / "s.db")
    assert whole(proxy.url) == session[1][0]
    whole(proxy.url, temperature=0)
    assert [each["outcome"] for each in proxy.exchanges()[:2]] == ["miss", "hit"]


@pytest.mark.parametrize(
    ("options", "again"),
    [(("--repeat", "exhaust"), False), (("--repeat", "sequence"), True), ((), True)],
    ids=["exhaust", "sequence", "default"],
)
def test_each_recording_answers_once_or_again(daemon, session, options, again):
    proxy = daemon("--cassette", str(session[0]), "--mode", "none", *options)
    assert whole(proxy.url) == session[1][0]
    if again:
        assert whole(proxy.url) == session[1][0]
    else:
        with pytest.raises(APIStatusError, match="424"):
            whole(proxy.url)


def test_the_content_may_be_ignored(daemon, session):
    proxy = daemon("--cassette", str(session[0]), "--mode", "none", "--match-on", "model")
    assert whole(proxy.url, temperature=1) in session[1][:2]


def answered_by_mitmdump(folder, upstream):
    """It looks at the octets of a request, its method and its address."""
    options = ("--set", "connection_strategy=lazy", "--set", "server_replay_extra=404")
    with mitmdump(folder, "--mode", f"reverse:{upstream}", "-S", folder / "back", *options) as address:
        return [each(f"http://{address}") for each in CALLS]


def test_what_is_recorded_with_us_goes_back_to_mitmdump(daemon, tmp_path):
    packages("mitmproxy", "mitmproxy")
    upstream = daemon("--upstream", "demo:", store=tmp_path / "demo.db").url
    proxy = daemon("--upstream", upstream)
    heard = [each(proxy.url) for each in CALLS]
    proxy.settle()
    llmproxy("export", "--format", "mitmproxy", "--output", "back", "--store", "store.db", cwd=tmp_path)
    assert answered_by_mitmdump(tmp_path, upstream) == heard


def test_its_own_flows_go_back_to_it(session, tmp_path):
    flows, heard, upstream = session
    llmproxy("export", "--from", flows, "--format", "mitmproxy", "--output", "back", cwd=tmp_path)
    assert answered_by_mitmdump(tmp_path, upstream) == heard
