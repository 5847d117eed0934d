"""Text that is made to be slow to redact, or to hide a name: hostile targets cost no more than other text.

No time is taken here. What went back over each octet again and again would not come to its end on these targets.
"""

import pytest

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_names import is_secret_field

REDACTOR = Redactor()
LONG = 1024 * 1024
HOSTILE = [b"%", b"%25", b"?%", b"&%", b"#%", b"a%?", b"?a.-", b"?", b"api-", b"?%61pi_", b"%=&#"]


@pytest.mark.parametrize("end", [b"", b"=", b"=x"], ids=["name", "no value", "value"])
@pytest.mark.parametrize("part", HOSTILE)
def test_a_long_target_comes_to_its_end(part, end):
    target = b"/x?" + part * (LONG // len(part)) + end
    assert REDACTOR.target(target) == target


@pytest.mark.parametrize("part", [b"%", b"?%", b"a-"])
def test_a_long_field_comes_to_its_end(part):
    headers = Headers(((b"X-A", b"?" + part * (LONG // len(part))),))
    assert REDACTOR.headers(headers) is headers


@pytest.mark.parametrize("part", [b"a", b"-", b"secre", b"-per-token-", b"_auth-", b"key-", b"-organisation-i"])
def test_a_long_name_of_a_field_comes_to_its_end(part):
    long = part * (LONG // len(part))
    assert is_secret_field(long + b"-secret")
    headers = Headers(((long[:-1] + b"x", b"1"),))
    assert REDACTOR.headers(headers).pairs[0][1] == (b"REDACTED" if b"_auth-" in long else b"1")


def test_a_secret_behind_hostile_text_is_found():
    before = b"/x?" + b"%" * LONG
    assert REDACTOR.target(before + b"&%6bey=sk-1&a=1") == before + b"&%6bey=REDACTED&a=1"


@pytest.mark.parametrize(
    "name", [b"key", b"%6bey", b"k%65y", b"access%5ftoken", b"access_token", b"X-Goog-Signatur%65"]
)
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"/x?", b""),
        (b"/x?a=1&", b"&b=2"),
        (b"/x?a=1#", b""),
        (b"/x?a#b=1&", b"#c"),
        (b"/x?a=1#b#", b"#c=1"),
        (b"/x#", b"&a=1"),
    ],
)
def test_a_parameter_is_found_behind_each_mark_however_its_name_is_written(name, before, behind):
    assert REDACTOR.target(before + name + b"=sk-1" + behind) == before + name + b"=REDACTED" + behind


def test_a_field_with_a_secret_in_a_fragment():
    headers = Headers(((b"Location", b"https://here/callback#access_token=sk-1&state=2"),))
    assert REDACTOR.headers(headers).get(b"location") == b"https://here/callback#access_token=REDACTED&state=2"


@pytest.mark.parametrize(
    "target",
    [b"/x?a%20b=1#m%65nu=2", b"/x?%6beyx=1", b"/x#%6bey", b"/x?%6bey=", b"/x?a=%6bey=", b"/%6bey=1?a=2", b"/x?%"],
)
def test_what_is_no_secret_stays(target):
    assert REDACTOR.target(target) is target
