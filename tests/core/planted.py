"""Secrets that nobody has, of each kind, made when asked for: no scanner of this tree shall find one in a file."""

import base64
import hashlib
import json
import string

ALNUM = string.ascii_letters + string.digits


def drawn(length, alphabet=ALNUM, seed=""):
    """Letters that look random and are the same each time."""
    out, number = "", 0
    while len(out) < length:
        block = hashlib.sha256(f"{seed}/{length}/{alphabet}/{number}".encode()).digest()
        out += "".join(alphabet[octet % len(alphabet)] for octet in block)
        number += 1
    return out[: length - 2] + "a7"


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


URL, HEX, UPPER = ALNUM + "_-", "0123456789abcdef", string.ascii_uppercase + string.digits
LINES = "\n".join(drawn(64, ALNUM + "+/", str(at)) for at in range(6))


def pem(line_end="\n", kind="PRIVATE"):
    return f"-----BEGIN {kind} KEY-----\n{LINES}\n-----END {kind} KEY-----".replace("\n", line_end)


def jwt(seed=""):
    return ".".join([part({"alg": "RS256", "typ": "JWT"}), part({"sub": drawn(12, seed=seed)}), drawn(86, URL, seed)])


SHAPES = {
    "anthropic": "sk-ant-api03-" + drawn(93, URL) + "-AA",
    "anthropic oauth": "sk-ant-oat01-" + drawn(93, URL) + "-AA",
    "openai project": "sk-proj-" + drawn(140, URL),
    "openai service": "sk-svcacct-" + drawn(140, URL),
    "openai admin": "sk-admin-" + drawn(100, URL),
    "openai old": "sk-" + drawn(20) + "T3BlbkFJ" + drawn(20, seed="b"),
    "deepseek": "sk-" + drawn(32, HEX),
    "openrouter": "sk-or-v1-" + drawn(64, HEX),
    "realtime": "ek_" + drawn(32),
    "google": "AIza" + drawn(35, URL),
    "google studio": "AQ.A" + drawn(48, URL),
    "google oauth": "ya29." + drawn(120, URL),
    "google client": "GOCSPX-" + drawn(28, URL),
    "aws id": "AKIA" + drawn(17, UPPER)[:15] + "Q",
    "aws session id": "ASIA" + drawn(17, UPPER)[:15] + "7",
    "github": "ghp_" + drawn(36),
    "github app": "ghs_" + drawn(36),
    "github fine": "github_pat_" + drawn(22) + "_" + drawn(59),
    "gitlab": "glpat-" + drawn(20, URL),
    "hugging face": "hf_" + "q" + drawn(33),
    "groq": "gsk_" + drawn(52),
    "replicate": "r8_" + drawn(37),
    "xai": "xai-" + drawn(80),
    "perplexity": "pplx-" + drawn(48),
    "cerebras": "csk-" + drawn(48, string.ascii_lowercase + string.digits),
    "nvidia": "nvapi-" + drawn(64, URL),
    "together": "tgp_v1_" + drawn(43, URL),
    "fireworks": "fw_" + drawn(24),
    "langsmith": "lsv2_pt_" + drawn(32, HEX) + "_" + drawn(10, HEX),
    "langfuse": "sk-lf-" + "-".join([drawn(8, HEX), *(drawn(4, HEX, str(at)) for at in range(3)), drawn(12, HEX)]),
    "azure": drawn(52) + "JQQJ99" + drawn(26),
    "bedrock": "ABSK" + drawn(128, ALNUM + "+"),
    "slack": "xoxb-" + drawn(12, string.digits) + "-" + drawn(24),
    "stripe": "sk_live_" + drawn(24),
    "stripe restricted": "rk_live_" + drawn(24),
    "sendgrid": "SG." + drawn(22, URL) + "." + drawn(43, URL),
    "npm": "npm_" + drawn(36),
    "pypi": "pypi-AgEI" + drawn(80, URL),
    "databricks": "dapi" + drawn(32, HEX),
    "jwt": jwt(),
}
# (text before, the secret): a word says what it is
NAMED = {
    "bearer": ("Bearer ", drawn(40)),
    "bearer small": ("authorization: bearer ", drawn(40, ALNUM + "._~+/-")),
    "basic": ("Basic ", base64.b64encode(b"somebody:" + drawn(20).encode()).decode()),
    "environment": ("MISTRAL_API_KEY=", drawn(32)),
    "cohere": ("export CO_API_KEY='", drawn(40)),
    "azure old": ("api-key: ", drawn(32, HEX)),
    "aws secret": ("aws_secret_access_key = ", drawn(40, ALNUM + "/+")),
    "json in text": ('\\"secretAccessKey\\": \\"', drawn(40, ALNUM)),
}
