"""The way out on real sockets: proxies, private authorities, client certificates, keys of our own, circles."""

import json
import re
import ssl
import threading
from base64 import b64encode

import pytest
from authorities import Authority
from rig import Peer, json_answer

GOOD = json_answer({"ok": True})
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
NAME = "api.llmproxy.test"  # resolves nowhere: only a proxy can reach it
PASSWORD, KEY = "pass-of-the-proxy", "sk-key-of-the-daemon"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch):
    """Whoever runs these tests may sit behind one."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def answer(peer):
    while peer.request()[0]:
        peer.send(GOOD)


def encrypted(context, play=answer):
    def handshake_first(peer):
        peer.socket = context.wrap_socket(peer.socket, server_side=True)
        play(peer)

    return handshake_first


def tunnelling(play):
    """A proxy that opens each tunnel and plays the upstream behind it itself."""

    def proxy(peer):
        peer.request()
        peer.send(OPEN)
        play(peer)

    return proxy


def message(body):
    return json.loads(body)["error"]["message"]


def are_nowhere(secrets, front, folder):
    """Whether no file of the daemon and nothing that it said holds a secret, in any coding."""
    front.settle()
    front.stop()
    front.reader.join()
    texts = [b"".join(front.said), *(path.read_bytes() for path in folder.iterdir() if path.suffix in (".db", ".log"))]
    codings = [coding for secret in secrets for coding in (secret.encode(), b64encode(secret.encode())[:-4])]
    return len(texts) > 2 and not any(coding in text for coding in codings for text in texts)


class TestProxy:
    def test_https_goes_through_a_tunnel(self, daemon, upstream, authority, tmp_path):
        server = upstream(tunnelling(encrypted(authority.server(NAME))))
        proxy = f"http://someone:{PASSWORD}@127.0.0.1:{server.port}"
        front = daemon(
            *("--upstream", f"https://{NAME}/v1", "--upstream-ca", str(authority.path)), env={"HTTPS_PROXY": proxy}
        )
        for text in ("one", "two"):  # the second one on the same connection
            status, _, body = front.chat(text)
            assert (status, json.loads(body)) == (200, {"ok": True})
        (connect, _), (first, _), (second, _) = server.requests
        assert connect.startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443\r\n".encode())
        assert b"Proxy-Authorization: Basic " + b64encode(f"someone:{PASSWORD}".encode()) in connect
        for head in (first, second):
            assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
            assert b"proxy-auth" not in head.lower()
        assert f"through the proxy http://127.0.0.1:{server.port}\n".encode() in b"".join(front.said)
        assert are_nowhere([PASSWORD, f"someone:{PASSWORD}"], front, tmp_path)

    def test_http_goes_in_absolute_form(self, daemon, upstream):
        server = upstream(answer)
        proxy = f"http://u:{PASSWORD}@127.0.0.1:{server.port}"
        front = daemon("--upstream", f"http://{NAME}:8000/v1", "--upstream-proxy", proxy)
        assert front.chat(headers={"Proxy-Authorization": "Basic of-the-client"})[0] == 200
        head = server.requests[0][0]
        assert head.startswith(f"POST http://{NAME}:8000/v1/chat/completions HTTP/1.1\r\n".encode())
        assert (f"\r\nHost: {NAME}:8000\r\n".encode() in head, head.count(b"Proxy-Authorization:")) == (True, 1)
        assert b"of-the-client" not in head

    def test_this_machine_is_reached_straight(self, daemon, upstream):
        server = upstream(answer)
        front = daemon("--upstream", server.url, env={"http_proxy": "http://192.0.2.1:9", "ALL_PROXY": "192.0.2.1:9"})
        assert front.chat()[0] == 200
        assert server.requests[0][0].startswith(b"POST /v1/")

    def test_a_certificate_of_another_host_behind_it(self, daemon, upstream, authority):
        server = upstream(tunnelling(encrypted(authority.server("other.test"))))
        options = ("--upstream-proxy", server.url, "--upstream-ca", str(authority.path))
        status, _, body = daemon("--upstream", f"https://{NAME}", *options).chat()
        assert (status, "for other.test, not for" in message(body)) == (502, True)

    FAULTS = [
        (
            "password",
            "https",
            b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n",
            502,
            "wants a user and a password (407)",
        ),
        ("password", "http", b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", 502, "wants a user and a password (407)"),
        ("forbidden", "https", b"HTTP/1.1 403 No\r\n\r\n<html>", 502, "does not let this machine connect there (403)"),
        ("garbage", "https", b"SSH-2.0-x\r\n", 502, "does not answer in HTTP"),
        ("nothing", "https", b"", 502, "closed the connection without an answer"),
        ("silence", "https", None, 504, "did not answer in 0.3 s (--connect-timeout)"),
    ]

    @pytest.mark.parametrize(("_id", "scheme", "octets", "status", "words"), FAULTS)
    def test_its_faults_name_it(self, daemon, upstream, _id, scheme, octets, status, words):
        def play(peer):
            peer.request()
            if octets is None:
                peer.rest()
            else:
                peer.send(octets)

        server = upstream(play)
        proxy = f"http://u:{PASSWORD}@127.0.0.1:{server.port}"
        limit = "0.3" if octets is None else "30"
        options = ("--upstream-proxy", proxy, "--connect-timeout", limit)
        got, _, body = daemon("--upstream", f"{scheme}://{NAME}", *options).chat()
        assert (got, words in message(body), server.url in message(body)) == (status, True, True), message(body)
        assert PASSWORD.encode() not in body

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_it_is_down(self, daemon, upstream, scheme):
        server = upstream(Peer.close)
        server.close()
        status, _, body = daemon("--upstream", f"{scheme}://{NAME}", "--upstream-proxy", server.url).chat()
        assert (status, f"the proxy {server.url} refuses connections" in message(body)) == (502, True)

    def test_who_leaves_in_the_midst_takes_the_connection_along(self, daemon, upstream):
        begun, gone = threading.Event(), threading.Event()

        def play(peer):
            peer.request()
            begun.set()
            peer.rest()
            gone.set()

        options = ("--upstream-proxy", upstream(play).url, "--connect-timeout", "1h")
        client = daemon("--upstream", f"https://{NAME}", *options).connect()
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        assert begun.wait(30)
        client.close()
        assert gone.wait(30)


class TestTrust:
    def url(self, server, name="lab"):
        return f"{name}=https://127.0.0.1:{server.port}"

    def test_a_certificate_of_ours(self, daemon, upstream, authority, tmp_path):
        context = authority.server("127.0.0.1")
        context.load_verify_locations(authority.path)
        context.verify_mode = ssl.CERT_REQUIRED
        authority.server("client.test")
        file = authority.folder / "server.pem"
        server = upstream(encrypted(context))
        options = ("--upstream", self.url(server), "--upstream-ca", str(authority.path))
        assert daemon(*options, "--upstream-cert", f"lab={file}", store=tmp_path / "a.db").chat()[0] == 200
        assert daemon(*options, store=tmp_path / "b.db").chat()[0] == 502

    def test_no_look_at_the_certificate_of_one_upstream(self, daemon, upstream, authority):
        server = upstream(encrypted(authority.server("other.test", own=True)))
        both = ("--upstream", self.url(server), "--upstream", self.url(server, "strict"))
        front = daemon(*both, "--insecure-upstream", "lab", "--mode", "off")
        path = "/_llmproxy/to/{}/v1/chat/completions"
        assert [front.chat(path=path.format(name))[0] for name in ("lab", "strict", "lab")] == [200, 502, 200]
        assert "lab (--insecure-upstream)" in front.get("/_llmproxy/health")["insecure"]
        front.stop()
        front.reader.join()
        assert b"WARNING: the certificate of upstream lab is not checked" in b"".join(front.said)


class TestKeys:
    def file(self, folder, text=KEY + "\n", mode=0o600):
        path = folder / "the.key"
        path.write_text(text)
        path.chmod(mode)
        return path

    def test_it_goes_up_in_place_of_the_clients_and_nowhere_else(self, daemon, upstream, tmp_path):
        server = upstream(answer)
        front = daemon("--upstream", server.url, "--upstream-key", f"default={self.file(tmp_path)}")
        for path in ("/v1/chat/completions", "/v1/messages?key=of-the-client"):
            fields = {"Authorization": "Bearer of-the-client", "x-api-key": "of-the-client"}
            assert front.chat(path=path, headers=fields)[0] == 200
        chat, messages = (head for head, _ in server.requests)
        assert (b"\r\nAuthorization: Bearer %b\r\n" % KEY.encode() in chat, b"of-the-client" in chat) == (True, False)
        assert b"\r\nx-api-key: %b\r\n" % KEY.encode() in messages
        assert (messages.split()[1], b"of-the-client" in messages) == (b"/v1/messages", False)
        assert are_nowhere([KEY], front, tmp_path)

    def test_from_systemd(self, daemon, upstream, tmp_path):
        server = upstream(answer)
        self.file(tmp_path).rename(tmp_path / "lab-key")
        front = daemon("--upstream", f"lab={server.url}", env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
        assert front.chat()[0] == 200
        assert KEY.encode() in server.requests[0][0]


BAD = [
    (("--upstream-ca", "missing.pem"), "--upstream-ca: .*missing.pem cannot be read: No such file"),
    (("--upstream-ca", "empty.pem"), "--upstream-ca: .*empty.pem holds no certificates in PEM"),
    (("--upstream-cert", "lab=missing.pem"), "--upstream-cert lab: .*missing.pem cannot be read"),
    (("--upstream-cert", "lab=empty.pem"), "--upstream-cert lab: .* holds no certificate in PEM"),
    (("--upstream-cert", "lab=authority.pem"), "--upstream-cert lab: .* holds no private key in PEM"),
    (("--upstream-cert", "lab=mixed.pem"), "--upstream-cert lab: the key in .* is not that of its first certificate"),
    (("--upstream-cert", "other=x"), "--upstream-cert: no upstream is called 'other'; there are: lab, plain"),
    (("--upstream-cert", "plain=x"), "--upstream-cert: upstream plain is not reached by https"),
    (("--upstream-cert", "x"), "--upstream-cert: 'x' is not NAME=FILE"),
    (("--insecure-upstream", "other"), "--insecure-upstream: no upstream is called 'other'"),
    (("--insecure-upstream", "plain"), "--insecure-upstream: upstream plain is not reached by https"),
    (("--upstream-key", "other=x"), "--upstream-key: no upstream is called 'other'"),
    (("--upstream-key", "lab=x", "--upstream-key", "lab=y"), "--upstream-key: 'lab' is given twice"),
    (("--upstream-key", "lab=missing"), "--upstream-key: .* cannot be read: No such file"),
    (("--upstream-key", "lab=open.key"), "--upstream-key: .* may be read by everybody on this machine; chmod 600 it"),
    (("--upstream-key", "lab=empty.pem"), "--upstream-key: .* holds no key"),
    (("--upstream-key", "lab=good.key", "--listen", "tcp:0"), "--upstream-key: with --listen tcp:0 everybody who can"),
    (("--upstream-proxy", "socks5://x"), "--upstream-proxy: proxy 'socks5://x' must be reached by http://"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    one, other = Authority(folder, "authority"), Authority(folder, "another")
    one.server("a.test")
    mixed = (folder / "authority.pem").read_bytes() + (folder / "server.pem").read_bytes()
    for name, data in {"empty.pem": b"", "mixed.pem": mixed, "open.key": b"k", "good.key": b"k"}.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o604 if name == "open.key" else 0o600)
    return folder if other else None


@pytest.mark.parametrize(("options", "line"), BAD)
def test_a_start_that_fails_is_one_line(daemon, files, monkeypatch, options, line):
    monkeypatch.chdir(files)
    upstreams = ("--upstream", "lab=https://lab.test", "--upstream", "plain=http://plain.test")
    with pytest.raises(AssertionError) as caught:
        daemon(*upstreams, *options)
    assert re.search(f"did not start: llmproxy: {line}[^\n]*\n?$", str(caught.value)), str(caught.value)


ROUTE = """
from pathlib import Path
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import hookimpl

@hookimpl
def llmproxy_route(exchange):
    return parse_upstream(Path({path!r}).read_text())
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_circle_ends_at_once(daemon, tmp_path, host):
    plugin, address = tmp_path / "route.py", tmp_path / "address"
    plugin.write_text(ROUTE.format(path=str(address)))
    front = daemon("--upstream", "demo:", "--plugin", str(plugin))
    address.write_text(f"http://{host}:{front.port}/v1")
    status, _, body = front.chat()
    assert (status, "its upstream leads back to it" in message(body)) == (508, True)
    assert front.get("/_llmproxy/api/stats")["exchanges"]["outcomes"] == {"refused": 1, "miss": 1}
