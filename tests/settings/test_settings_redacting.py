"""`[[redact]]` tables, and what is said of bad ones."""

import pytest

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.redact import Redactor
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.redacting import redactor_of
from proxy_daemon.settings.sources import load


def loaded(tmp_path, text):
    file = tmp_path / "llmproxy.toml"
    file.write_text(text)
    return load({"config": [str(file)]}, {"HOME": str(tmp_path)})


def test_rules_are_read(tmp_path):
    settings = loaded(
        tmp_path,
        """
mode = "off"
on-secret = "refuse"
[[redact]]
name = "tenant"
pattern = 'acme-[0-9]{6}'
header = "x-tenant"
[[redact]]
name = "people"
json = ["user.email", "ssn"]
query = ["who"]
form = ["who"]
""",
    )
    assert settings.on_secret == "refuse"
    assert [rule.name for rule in settings.redact.rules] == ["tenant", "people"]
    assert Redactor(settings.redact).body(b"", b'{"ssn":1,"a":"acme-123456"}') == b'{"ssn":"REDACTED","a":"REDACTED"}'


def test_the_redactor_of_settings(tmp_path):
    key = b"gsk_" + b"a1B2c3D4e5" * 5
    data = b'{"a":"acme-1 %b","api_key":"x"}' % key
    tables = "[[redact]]\nname = 'tenant'\npattern = 'acme-[0-9]'\n"
    assert redactor_of(loaded(tmp_path, tables)).body(b"", data) == b'{"a":"REDACTED REDACTED","api_key":"REDACTED"}'
    kept = redactor_of(loaded(tmp_path, "on-secret = 'record'\n" + tables))
    assert kept.body(b"", data) == b'{"a":"REDACTED %b","api_key":"REDACTED"}' % key
    assert kept.headers(Headers([(b"x-a", key)])).get(b"x-a") == key


def test_without_tables_there_are_no_rules(tmp_path):
    assert loaded(tmp_path, "").redact == Settings().redact
    assert Settings().on_secret == "redact"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("redact = 1", "redact must be tables"),
        ("redact = [1]", ":1: rule 1: a rule is a table"),
        ("[[redact]]\n", ":1: rule 1: it has no name"),
        ("\n\n[[redact]]\nname = 'a'\n", ":3: rule 'a': says nothing to look for"),
        ("[[redact]]\nname='a'\npattern='x'\n[[redact]]\nname='b'\npattern='('", ":4: rule 'b': pattern: '\\('"),
        ("[[redact]]\nname='a'\npattern='x'\n[[redact]]\nname='a'\npattern='y'", ":4: rule 'a': there is another"),
        ("[[redact]]\nname='a'\npatern='x'", ":1: rule 'a': unknown key 'patern', did you mean 'pattern'"),
        ("[[redact]]\nname='a'\njson=[1]", ":1: rule 'a': json: must be a text"),
        ("[[redact]]\nname=1\npattern='x'", ":1: rule 1: name: must be a text"),
        ("[[redact]]\nname='a'\npattern='x*'", ":1: rule 'a': pattern: 'x\\*' matches where nothing stands"),
        ("[[redact]]\nname='a'\npattern='x'\n" * 201, "201 \\[\\[redact\\]\\] tables; 200 are the most"),
        ("on-secret = 'maybe'", "redact, refuse, record|redact.*refuse.*record"),
    ],
)
def test_a_bad_rule_is_an_error_that_names_file_line_and_rule(tmp_path, text, said):
    with pytest.raises(SettingsError, match=said) as raised:
        loaded(tmp_path, text)
    assert str(tmp_path / "llmproxy.toml") in str(raised.value)
    assert "\n" not in str(raised.value)
