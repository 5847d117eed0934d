"""Hostile octets from good ones, by a seeded dice: what a seed gives is the same on every machine.

`LLMPROXY_TEST_FUZZ_SECONDS` lets the tests that use `seeds` run so long together, from a random seed on;
`make fuzz` sets it.
"""

import os
import random
import time

TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"\xff", b"\x80"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: -1\r\n", b"content-length: 5, 5\r\n"),
    *(b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n"),
    *(
        b"Transfer-Encoding : chunked\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive, host\r\n",
        b"Host: a\r\n",
    ),
    *(b"Host: localhost\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n", b" folded\r\n", b"X-A: b\r\n"),
    *(
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"ffffffffffffffff\r\n",
        b"5;a=b\r\n",
        b"-5\r\n",
        b"0x5\r\n",
        b"HTTP/1.0",
        b"HTTP/2.0",
    ),
    *(
        b"Transfer_Encoding: chunked\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"\r\r\n",
        b"\n\r\n",
        b"\x0b",
    ),
    *(b"/../", b"%2e%2e%2f", b"#", b"\\", b"TRACE ", b"http://evil.example", b"0\r\n", b"Trailer: x\r\n", b"0;\n"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
]
EXAMPLES = 150
SHARES = 5  # tests that have the time together


def seeds():
    """The seeds to try: the first few, or as many as fit into the time that is given."""
    seconds = float(os.environ.get("LLMPROXY_TEST_FUZZ_SECONDS", "0"))
    if not seconds:
        yield from range(EXAMPLES)
        return
    until, seed = time.monotonic() + seconds / SHARES, random.SystemRandom().randrange(1 << 48)
    while time.monotonic() < until:
        yield seed
        seed += 1


def mutated(dice, good):
    """One to three of these messages, one after the other, with up to six changes, half of them where a line begins."""
    data = bytearray(b"".join(dice.choice(good) for _ in range(dice.randint(1, 3))))
    for _ in range(dice.randint(0, 6)):
        start = dice.randint(0, len(data))
        if dice.random() < 0.5:
            start = data.find(b"\n", start) + 1
        end = min(len(data), start + dice.choice([0, 1, 1, 2, 8, 40]))
        data[start:end] = dice.choice(
            [b"", dice.choice(TOKENS), dice.choice(TOKENS), data[start:end] * 2, dice.randbytes(2)]
        )
    return bytes(data)


def split(dice, data):
    """The same octets in parts, as a network may bring them."""
    cuts = sorted(dice.randint(0, len(data)) for _ in range(dice.choice([0, 1, 3, 20])))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def dice(seed):
    """The dice of a seed."""
    return random.Random(seed)
