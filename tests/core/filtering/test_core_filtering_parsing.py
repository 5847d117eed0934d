"""Filters from text: precedence, quotes, operands, and the place of what is wrong."""

import pytest
from filter_subject import TREES
from hypothesis import example, given
from hypothesis import strategies as st

from proxy_daemon.core.filtering import And, Comparison, FilterError, Kind, Not, Or, Pattern, Term, explain, parse
from proxy_daemon.core.filtering.operands import LARGEST
from proxy_daemon.core.filtering.parsing import DEEPEST, LONGEST, MOST_TERMS


def word(text):
    return Term(Kind.WORD, Pattern(text, None))


def url(text):
    return Term(Kind.URL, Pattern(text, None))


A, B, C, D = map(word, "abcd")
Q, S = Term(Kind.NO_RESPONSE), Term(Kind.RESPONSE)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Term(Kind.ALL)),
        (" \t\n", Term(Kind.ALL)),
        ("a", A),
        ("  a  ", A),
        ("a b", And((A, B))),
        ("a & b | c", Or((And((A, B)), C))),
        ("a | b & c", Or((A, And((B, C))))),
        ("a b | c", And((A, Or((B, C))))),  # side by side binds loosest, as in mitmproxy
        ("a | b c | d", And((Or((A, B)), Or((C, D))))),
        ("a b & c d", And((A, B, C, D))),
        ("a & (b & c)", And((A, B, C))),
        ("a & (b c)", And((A, B, C))),
        ("(a | b) & c", And((Or((A, B)), C))),
        ("(((a)))", A),
        ("(a)(b)", And((A, B))),
        ("((a | (b | c)) | d)", Or((A, B, C, D))),
        ("!a", Not(A)),
        ("! a", Not(A)),
        ("!!a", Not(Not(A))),
        ("!a & b", And((Not(A), B))),
        ("!(a | b)", Not(Or((A, B)))),
        ("~q", Q),
        ("~q~s", And((Q, S))),
        ("~q&~s", And((Q, S))),
        ("~q|!~s", Or((Q, Not(S)))),
        ("!~q!~s", And((Not(Q), Not(S)))),
        ("(~q)", Q),
        ("~u !a", url("!a")),
        ("~u |a", url("|a")),
        ("~u a|b", url("a|b")),
        ("~u a&b", url("a&b")),
        ("~u\ta", url("a")),
        ("~u '(a|b) c'", url("(a|b) c")),
        ('~u "a"', url("a")),
        ("~u ''", url("")),
        ("~u 'a'&b", And((url("a"), B))),
        ("~u 'a'b", And((url("a"), B))),
        ("~u\u00a0a", url("a")),  # a space that a web page may have put there
        ("a|b", word("a|b")),
        ("a&b", word("a&b")),
        ("a&", word("a&")),
        ("a!b", word("a!b")),
        ("'&'", word("&")),
        ("'~q'", word("~q")),
        (r"'it\'s'", word("it's")),
        (r'"a\"b"', word('a"b')),
        (r"'a\\b'", word(r"a\b")),
        (r"'\\d'", word(r"\d")),
        (r"'\d\.'", word(r"\d\.")),
        (r"\d\.", word(r"\d\.")),
        (r"'\n\t\r\f'", word("\n\t\r\f")),
        ("'two\nlines'", word("two\nlines")),
        ("C++", word("C++")),
        ("'[ERROR]: (x'", word("[ERROR]: (x")),
        ("~said '[ERROR'", Term(Kind.SAID, "[ERROR")),
        ("~said x", Term(Kind.SAID, "x")),
        ("~c 200", Term(Kind.CODE, Comparison("=", 200))),
        ("~c200", Term(Kind.CODE, Comparison("=", 200))),
        ("~c =200", Term(Kind.CODE, Comparison("=", 200))),
        ("~c 200&~q", And((Term(Kind.CODE, Comparison("=", 200)), Q))),
        ("(~c >=400)", Term(Kind.CODE, Comparison(">=", 400))),
        ("~tokens>500", Term(Kind.TOKENS, Comparison(">", 500))),
        ("~tokens 500", Term(Kind.TOKENS, Comparison(">", 500))),
        ("~tokens <= 500", Term(Kind.TOKENS, Comparison("<=", 500))),
        ("~slow", Term(Kind.SLOW, Comparison(">", 10))),
        ("~slow <0.25", Term(Kind.SLOW, Comparison("<", 0.25))),
        ("~slow & a", And((Term(Kind.SLOW, Comparison(">", 10)), A))),
        ("~slow a", And((Term(Kind.SLOW, Comparison(">", 10)), A))),
        ("~outcome HIT", Term(Kind.OUTCOME, "hit")),
    ],
)
def test_a_text_is_read_as(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        ("~c", "~c", "wants a status code, as in ~c 429"),
        ("a ~c", "~c", "wants a status code"),
        ("~c abc b", "abc", "wants a status code"),
        ("~c 200a", "200a", "wants a status code"),
        ("~c 1234567890123456", "1234567890123456", "wants a status code"),
        ("~c -1", "-1", "wants a status code"),
        ("~c '200'", "~c", "wants a status code"),
        ("~c \u0663", "\u0663", "wants a status code"),
        ("~tokens", "~tokens", "wants a number, as in ~tokens >1000"),
        ("~tokens many", "many", "wants a number"),
        ("~tokens >>5", ">>5", "wants a number"),
        ("~tokens 1e3", "1e3", "wants a number"),
        ("~slow >", ">", "wants a number"),
        ("~slow >x", ">x", "wants a number"),
        ("~slow -1", "-1", "wants a number"),
        ("~slow 1.", "1.", "wants a number"),
        ("~u", "~u", "wants a regular expression, as in ~u /chat/completions"),
        ("~u ~q", "~u", "wants a regular expression"),
        ("~u (a|b)", "~u", "stands in quotes"),
        ("a ~said", "~said", "wants a text"),
        ("~outcome", "~outcome", "wants an outcome"),
        ("~outcome hot", "hot", "live, miss, hit, collapsed, refused, failed"),
        ("~zz a", "~zz", "there are ~said ~u"),
        ("a ~sesion b", "~sesion", "did you mean ~session?"),
        ("~ALL", "~ALL", "did you mean ~all?"),
        ("~ c 200", "~", "~ stands before a term's name"),
        ("a~", "~", "~ stands before a term's name"),
        ("(a", "(", "this ( is not closed"),
        ("(a (b)", "(", "this ( is not closed"),
        ("a) b", ")", "no ( stands before this )"),
        ("()", ")", "a term is missing"),
        ("a & ()", ")", "a term is missing"),
        ("& a", "&", "stands between two terms"),
        ("a | & b", "&", "stands between two terms"),
        ("a 'b", "'", "the quote ' is not closed"),
        ('~u "a\\"', '"', 'the quote " is not closed'),
        ("~u [ a", "[", "no regular expression that RE2 reads: missing ]"),
        ("~u a\\ b", "a\\", "no regular expression that RE2 reads"),
        ("~u '(a'", "'(a'", "no regular expression that RE2 reads"),
        ("~u 'a(?=b)'", "'a(?=b)'", "no look-around"),
        ("'a(?!b)'", "'a(?!b)'", "no look-around"),
        ("~b '(?<=b)a'", "'(?<=b)a'", "no look-around"),
        (r"~b '(a)\1'", r"'(a)\1'", "no back-references"),
        (r"'(?P<x>a)(?P=x)'", r"'(?P<x>a)(?P=x)'", "no back-references"),
        ("~b 'a{1001}'", "'a{1001}'", "no regular expression that RE2 reads"),
        ("~b '((a{100}){100}){100}'", "'((a{100}){100}){100}'", "no regular expression that RE2 reads"),
        ("~u a ~b '.{0,1000}'", "'.{0,1000}'", "too large together"),
        ("'.{0,1000}'", "'.{0,1000}'", "too large together"),
        ("a \ud800 b", "\ud800", "surrogate"),
    ],
)
def test_what_is_wrong_is_marked(text, marked, words):
    with pytest.raises(FilterError) as caught:
        parse(text)
    error = caught.value
    assert text[error.at : error.at + error.length] == marked
    assert words in error.message == str(error)


@pytest.mark.parametrize("text", ["a &", "a | ", "!", "a & !", "(a |"])
def test_a_term_that_is_missing_at_the_end(text):
    with pytest.raises(FilterError, match="a term is missing") as caught:
        parse(text)
    assert (caught.value.at, caught.value.length) == (len(text), 0)


@pytest.mark.parametrize(
    ("good", "bad", "at"),
    [
        ("a" * 300 + " " * (LONGEST - 300), "a" * LONGEST + "b", LONGEST),
        ("(" * DEEPEST + "a" + ")" * DEEPEST, "(" * LONGEST, DEEPEST),
        ("!" * DEEPEST + "a", "!" * LONGEST, DEEPEST),
        ("!(" * (DEEPEST // 2) + "a" + ")" * (DEEPEST // 2), "(!" * 2000, DEEPEST),
        ("~q " * MOST_TERMS, "~q " * 1000, MOST_TERMS * 3),
    ],
)
def test_limits(good, bad, at):
    parse(good)
    with pytest.raises(FilterError, match=r"\d") as caught:
        parse(bad)
    assert caught.value.at == at


def test_side_by_side_is_no_depth():
    assert len(parse("(a) " * MOST_TERMS).parts) == MOST_TERMS
    assert len(parse("!a " * MOST_TERMS).parts) == MOST_TERMS


def test_patterns_count_together():
    one = f"~u {'a' * 400}"
    assert LARGEST < 4 * 400
    parse(" ".join([one] * 3))
    with pytest.raises(FilterError, match="too large together") as caught:
        parse(" ".join([one] * 4))
    assert caught.value.at == 3 * (len(one) + 1) + 3


SIGNS = st.text("~ubcqslowtokenssaid ()&|!'\"\\<>=.0129[]{}?*+^$a\n\u00e9\u00a0", max_size=40)


@given(
    st.text()
    | SIGNS
    | st.lists(st.sampled_from(["~u", "~c", "~slow", "(", ")", "&", "|", "!", "'", "a", "5", ">", " "])).map("".join)
)
@example("\ud800")
@example("~u \\C")
def test_any_text_is_a_filter_or_marked(text):
    try:
        tree = parse(text)
    except FilterError as error:
        marked = error
    else:
        assert parse(explain(tree)) == tree
        return
    assert 0 <= marked.at <= marked.at + marked.length <= len(text)
    assert marked.message


@given(TREES)
def test_what_is_printed_is_read_as_the_same(tree):
    assert parse(explain(tree)) == tree


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", "~all"),
        ("a b|c", "a & b|c"),
        ("a b | c", "a & (b | c)"),
        ("(a & b) | !(c d)", "a & b | !(c & d)"),
        ("!(!a)", "!!a"),
        ("~c200 ~c!=5", None),
        ("~c >200~slow", "~c >200 & ~slow >10"),
        ("~slow 0.250 ~tokens=7", "~slow >0.25 & ~tokens =7"),
        ("~slow 0.000001", "~slow >0.000001"),
        ("~slow 100", "~slow >100"),
        ("'a' \"b c\"", 'a & "b c"'),
        ("'say \"hi\"'", "'say \"hi\"'"),
        (r"'\d \.'", r'"\\d \\."'),
        (r"\d", r"\d"),
        ("'!a' '|' ~u '|'", '"!a" & "|" & ~u |'),
        ("'a\nb'", r'"a\nb"'),
        ("''", '""'),
    ],
)
def test_the_plain_form(text, plain):
    if plain is None:
        with pytest.raises(FilterError):
            parse(text)
    else:
        assert explain(parse(text)) == plain
