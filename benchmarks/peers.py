"""The proxies that are measured, as commands: ours, mitmproxy, nginx, and none at all.

Each side does the same work as far as it can: mitmproxy and nginx do not record, which is in their favour.
Called by cases.py; `running_sides` starts all sides of a case on the proxy's core, to be asked in turns.
"""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import PROXY_CORE, Broken, family, free_port, running

OURS, MITMPROXY, NGINX, DIRECT = "llmproxy", "mitmproxy", "nginx", "direct"
MITMPROXY_VERSION = "11.0.2"
ROOT = Path(__file__).parent.parent
NGINX_CONFIG = """
{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log {folder}/nginx-access.log;
  client_body_temp_path {folder}/nginx-body; proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fcgi; uwsgi_temp_path {folder}/nginx-uwsgi; scgi_temp_path {folder}/nginx-scgi;
  client_max_body_size 512m; client_body_buffer_size 64k; keepalive_requests 1000000000;
  proxy_cache_path {folder}/nginx-cache keys_zone=answers:16m;
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection "";
      {rules}
    }}
  }}
}}
"""
NGINX_RULES = {
    "hit": 'proxy_cache answers; proxy_cache_methods POST; proxy_cache_key "$request_uri$request_body";'
    " proxy_cache_valid 200 1h;",
    "stream": "proxy_buffering off;",
    "paced": "proxy_buffering off;",
}


@dataclass(frozen=True)
class Side:
    """A proxy that runs and can be asked."""

    name: str
    port: int
    pid: int = 0

    @property
    def pids(self):
        """Its processes, as they are now: nginx listens before it has made its worker."""
        return family(self.pid) if self.pid else []


@dataclass(frozen=True)
class Bench:
    """What holds for the whole run: where files go, who is compared, how long things take."""

    folder: Path
    peers: list[str]
    mitmdump: str
    seconds: float
    rounds: int
    quick: bool


def ours(bench, case, port, upstream):
    """Our daemon as a user starts it, with everything that is built in; it records and writes its log."""
    store = bench.folder / f"{case}-{port}.db"
    return [
        *(sys.executable, "-m", "proxy_daemon.cli.main", "serve"),
        *("--listen", f"tcp:{port}:interface=127.0.0.1:backlog=4096", "--upstream", f"http://127.0.0.1:{upstream}/v1"),
        *("--store", str(store), "--log", str(bench.folder / f"{case}-{port}.log")),
    ]


def mitmproxy(bench, case, port, upstream):
    """The command-line mitmproxy as a reverse proxy; for hits it replays the flows of `record_flows`."""
    more = {
        "hit": [
            *("-S", str(bench.folder / "flows"), "--set", "server_replay_reuse=true"),
            *("--set", "server_replay_ignore_host=true", "--set", "server_replay_ignore_port=true"),
        ],
        "record": ["-w", str(bench.folder / "flows")],
        "stream": ["--set", "stream_large_bodies=1"],
        "paced": ["--set", "stream_large_bodies=1"],
    }.get(case, [])
    reverse = ["--mode", f"reverse:http://127.0.0.1:{upstream}", "--listen-host", "127.0.0.1", "-p", str(port)]
    return [bench.mitmdump, "-q", *reverse, "--set", "connection_strategy=lazy", *more]


def nginx(bench, case, port, upstream):
    """nginx with one worker and an access log; for hits with its cache on disk."""
    config = bench.folder / f"nginx-{case}.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    rules = NGINX_RULES.get(case, "")
    config.write_text(NGINX_CONFIG.format(user=user, folder=bench.folder, port=port, upstream=upstream, rules=rules))
    return ["nginx", "-p", str(bench.folder), "-c", str(config)]


COMMANDS = {OURS: ours, MITMPROXY: mitmproxy, NGINX: nginx}


@contextmanager
def running_side(bench, name, case, upstream):
    """One proxy before the upstream."""
    if name == DIRECT:
        yield Side(DIRECT, upstream)
        return
    port = free_port()
    command = COMMANDS[name](bench, case, port, upstream)
    with running(command, PROXY_CORE, port, bench.folder / f"{name}-{case}.said") as pid:
        yield Side(name, port, pid)


@contextmanager
def running_sides(bench, names, case, upstream):
    """All of them at once: those that are not asked cost nothing."""
    with ExitStack() as stack:
        yield [stack.enter_context(running_side(bench, name, case, upstream)) for name in names]


def find_peers(asked):
    """(the peers that can run, the mitmdump to use); says which are left out."""
    peers, mitmdump = [OURS], ""
    if MITMPROXY in asked:
        mitmdump = find_mitmdump()
        peers.append(MITMPROXY)
    if NGINX in asked and shutil.which("nginx"):
        peers.append(NGINX)
    elif NGINX in asked:
        print("nginx is not installed: it is left out")
    return peers, mitmdump


def find_mitmdump():
    """MITMDUMP from the environment, else our own installation, made where it is missing."""
    if named := os.environ.get("MITMDUMP"):
        return named
    folder = ROOT / ".venv-mitmproxy"
    program = folder / "bin" / "mitmdump"
    if not program.exists():
        print(f"installing mitmproxy {MITMPROXY_VERSION} into {folder.name}, once", flush=True)
        install_mitmproxy(folder)
    return str(program)


def install_mitmproxy(folder):
    """In a virtual environment of its own: its dependencies are not ours."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([*pip, "install", f"mitmproxy=={MITMPROXY_VERSION}"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Broken(f"mitmproxy could not be installed ({error}); --peers nginx does without") from error


def versions(peers, mitmdump):
    """What was compared with what."""
    said = {OURS: said_by([sys.executable, "-c", "import proxy_daemon; print(proxy_daemon.__version__)"])}
    if MITMPROXY in peers:
        said[MITMPROXY] = said_by([mitmdump, "--version"]).splitlines()[0].removeprefix("Mitmproxy: ")
    if NGINX in peers:
        said[NGINX] = said_by(["nginx", "-v"]).removeprefix("nginx version: ")
    return said


def said_by(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()
