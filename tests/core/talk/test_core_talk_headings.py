"""Headings of roles, what is meant as one, and titles that are words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.talk.headings import ANYTHING, ROLES, Heading, heading, misspelt


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("form", ["### {}", "###  {}", "###\t{}", "### {}  ", "### {}:", "### {} ###", "### {}: #"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.capitalize])
def test_roles(role, form, case):
    line = form.format(case(role))
    assert heading(line) == Heading(role)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("### tool f call_1 ", Heading("tool", "f call_1 ")),
        ("### assistant choice 2", Heading("assistant", "choice 2")),
        ("### assistant\tchoice", Heading("assistant", "choice")),
        # with other words these are titles, as answers have them
        ("### User guide", None),
        ("### Tool use", None),
        ("### System: Linux", None),
        ("### users", None),
        ("### Summary", None),
        ("#### user", None),
        (" ### user", None),
        ("user", None),
        ("", None),
    ],
)
def test_words_behind_them_and_titles(line, found):
    assert heading(line) == found


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("## user", "### user"),
        ("# Assistant:", "### assistant"),
        ("#### assistant", "### assistant"),
        ("   ### user", "### user"),
        (" ### Tool", "### tool"),
        ("###user", "### user"),
        ("### usr", "### user"),
        ("### Human:", "### user"),
        ("### bot", "### assistant"),
        ("### AI", "### assistant"),
        ("### asistant", "### assistant"),
        ("### Assisstant:", "### assistant"),
        ("### sytem", "### system"),
        ("### develper", "### developer"),
        ("### tool_result", "### tool"),
        ("### any questions", ""),
        ("### Any Question", f"### {ANYTHING}"),
        ("### any other questions", f"### {ANYTHING}"),
        ("### any otther question", f"### {ANYTHING}"),
        # titles, as answers have them
        ("### Summary", ""),
        ("### Users", ""),
        ("### Assistants", ""),
        ("### Developers", ""),
        ("### Tools", ""),
        ("## System", ""),
        ("## Model", ""),
        ("### Systemd", ""),
        ("### Use", ""),
        ("### User guide", ""),
        ("# user story", ""),
        ("    ### user", ""),
        ("#user", "### user"),
        ("user", ""),
        ("", ""),
    ],
)
def test_what_is_meant_as_a_heading(line, meant):
    assert misspelt(line) == meant


@given(st.text("#: \tuserasitn_\\", max_size=40) | st.text(max_size=40))
def test_any_line_is_one_of_the_three(line):
    found, meant = heading(line), misspelt(line)
    assert found is None or found.role in ROLES
    assert meant == "" or heading(meant) == Heading(meant.removeprefix("### "))
