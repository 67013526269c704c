"""What is taken out of a text, what passes, and how little waits."""

from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from notion_manager.upstreams.notion_web.markup import URL_LIMIT, Cleaner
from notion_manager.upstreams.notion_web.sources import Sources, results_of

FOUND = [
    {"id": "webpage://?url=https%3A%2F%2Fone.example.test%2Fa%20b", "title": "One"},
    {"id": "page-id", "title": "A page of the workspace"},
    {"id": "x", "url": "https://three.example.test/"},
]
MARKS = [
    "[^https://one.example.test/]",
    "[^http://one.example.test/a?b=c#d]",
    "[^{{https://one.example.test/}}]",
    "[^{{Ab3_x-Yz}}]",
    "[^{{c7}}]",
    "[^toolu_found]",
    "[^3toolu_found]",
    "[^{{2toolu_found}}]",
    "[^toolu_other]",
    "[^view://22222222-2222-4222-8222-222222222222]",
    "[^webpage://?url=https%3A%2F%2Fone.example.test%2F]",
    "[^step-0a1b2c,artifact,1]",
    "[step-0a1b2c,artifact,12]",
    '<lang primary="en-US"/>',
    '<lang primary="zh-CN" />',
    '<lang primary="zh-CN">',
    "</lang>",
]
LOOKALIKES = [
    "[^a-z]",
    "[^1]",
    "[^1]: a footnote",
    "[^{{}}]",
    "[^{{ x }}]",
    "[^https]",
    "[^https://]",
    "[^http://a b]",
    "[^toolu_]",
    "[^tool]",
    "[^view:x]",
    "[steps]",
    "[step-1]",
    "<language>",
    "<lambda>",
    "<lang>",
    "<lang primary=x>",
    "<lan",
    "a < b > c",
    "</language>",
    "list[",
    "[[^",
    "<thinking> in the middle",
    "```\nre.compile(r'[^\"]+')\n```",
]
spelt = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *MARKS,
                *LOOKALIKES,
                'primary="en">',
                "<thinking>",
                "</thinking>",
                "<thought>",
                "\n",
                " ",
            ]
        ),
        st.text(alphabet='<[^]>/{}langprimy="=:stepouh_toolu1,\n ', max_size=12),
        st.text(max_size=6),
    ),
    max_size=8,
).map("".join)


def sources() -> Sources:
    known = Sources()
    known.learn("toolu_found", FOUND)
    return known


def clean(*chunks: str) -> tuple[str, str]:
    cleaner = Cleaner(sources().cite)
    told = [*map(cleaner.feed, chunks), cleaner.flush()]
    return "".join(thought for thought, _ in told), "".join(text for _, text in told)


def text_of(*chunks: str) -> str:
    return clean(*chunks)[1]


@given(spelt, st.data())
@example("[^https://one.example.test[^https://two.example.test]", None)
def test_cuts_change_nothing(raw: str, data: st.DataObject | None) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8))) if data else []
    whole = clean(raw)
    assert clean(*raw) == whole
    assert clean(*(raw[a:b] for a, b in pairwise([0, *cuts, len(raw)]))) == whole


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_cut_anywhere_never_shows(mark: str) -> None:
    raw = f"Before {mark} after."
    assert {text_of(raw[:at], raw[at:]) for at in range(len(raw))} == {text_of(raw)}
    assert mark == "</lang>" or mark not in text_of(raw)


@given(st.text() | st.text(alphabet="[^]<>/lang step\n`"))
def test_text_without_markup_passes_untouched(raw: str) -> None:
    assume(not any(sign in raw for sign in ("<lang", "[^", "[step-")))
    assume(not raw.startswith(("<thinking>", "<thought>", 'primary="')))
    assert clean(raw) == ("", raw)


@pytest.mark.parametrize("raw", LOOKALIKES)
def test_what_only_looks_like_markup_passes_untouched(raw: str) -> None:
    assert clean(*f"So: {raw}") == ("", f"So: {raw}")


@pytest.mark.parametrize(
    "raw", ["[^a", "[^{x", "[x", "[^1:", "<lam", "<b", "</d", "x < ", "[^http:x"]
)
def test_nothing_waits_once_it_cannot_be_markup(raw: str) -> None:
    cleaner = Cleaner(sources().cite)
    cleaner.feed("Start ")
    assert "".join(cleaner.feed(letter)[1] for letter in raw) == raw


@pytest.mark.parametrize(
    "raw", ["[", "[^", "[^h", "[^{{to", "[^12", "[s", "<", "<lang", '<lang primary="e']
)
def test_what_may_become_markup_waits(raw: str) -> None:
    cleaner = Cleaner(sources().cite)
    assert cleaner.feed(f"Start {raw}") == ("", "Start ")
    assert cleaner.held == raw
    assert cleaner.flush() == ("", raw)


def test_waiting_is_bounded() -> None:
    cleaner = Cleaner(sources().cite)
    long = "[^https://" + "a" * (URL_LIMIT + 1)
    assert cleaner.feed(long) == ("", long)
    assert text_of(long + "]") == long + "]"
    assert text_of('<lang primary="' + "x" * 65 + '"/>') == '<lang primary="' + "x" * 65 + '"/>'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Yes.[^https://a.test/]", "Yes. [1]"),
        ("Yes. [^https://a.test/]", "Yes. [1]"),
        ("[^https://a.test/] says so", "[1] says so"),
        ("a[^https://a.test/][^https://b.test/] b[^https://a.test/]", "a [1] [2] b [1]"),
        ("a[^{{https://a.test/}}]", "a [1]"),
        ("a[^https://a.test/view://123] b[^https://a.test/]", "a [1] b [1]"),
        ("a[^toolu_found] b[^1toolu_found] c[^3toolu_found]", "a [1] b [1] c [2]"),
        ("a[^2toolu_found]", "a"),
        ("a[^4toolu_found][^0toolu_found][^toolu_nobody]", "a"),
        ("a[^page://b][^{{abcdefg}}][^step-0f,artifact,3][step-0f,artifact,3].", "a."),
        ("code[^{{x}}]", "code[^{{x}}]"),
    ],
)
def test_citations_become_numbers_by_first_use(raw: str, expected: str) -> None:
    assert text_of(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('<lang primary="en-US"/>\nHello', "Hello"),
        ('<lang primary="en-US"/>\n\nHello', "\nHello"),
        ('<lang primary="zh-CN">你好</lang>', "你好"),
        ('<lang primary="zh-CN">\n你好\n</lang></lang>', "你好\n</lang>"),
        ('One\n<lang primary="fr"/>\nDeux', "One\n\nDeux"),
        ("</lang>", "</lang>"),
        ('<lang primary="en"/>', ""),
        ('primary="en-US"/>\nHello', "Hello"),
        ('primary="zh-CN">你好</lang>', "你好"),
        ('primary="en', 'primary="en'),
        ("primary colours", "primary colours"),
        ('It is primary="en">.', 'It is primary="en">.'),
        ('<lang primary="en', '<lang primary="en'),
    ],
)
def test_language_marks_go_with_one_leading_newline(raw: str, expected: str) -> None:
    assert text_of(*raw) == text_of(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<thinking>hm</thinking>Yes", ("hm", "Yes")),
        ("<thought>\nhm\n</thought>\n\nYes", ("hm\n", "Yes")),
        ('<lang primary="en"/>\n<thinking>hm</thinking>\nYes', ("hm", "Yes")),
        ('primary="en">\n<thinking>hm</thinking>\nYes</lang>!', ("hm", "Yes!")),
        ('<lang primary="en">\n<thinking>hm</thinking>\nYes</lang>!', ("hm", "Yes!")),
        ("<thinking>a </think b</thought> c", ("a </think b</thought> c", "")),
        ("<thinking>a </thin", ("a </thin", "")),
        ("<think>a", ("", "<think>a")),
        ("So <thinking>a</thinking>", ("", "So <thinking>a</thinking>")),
    ],
)
def test_a_thought_is_one_only_at_the_very_start(raw: str, expected: tuple[str, str]) -> None:
    assert clean(*raw) == clean(raw) == expected


def with_blocks(*chunks: str) -> str:
    cleaner = Cleaner(sources().cite, verbatim="call_x")
    return "".join(text for _, text in [*map(cleaner.feed, chunks), cleaner.flush()])


CITED = "[^https://one.example.test/]"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (f"<call_x a>{CITED}</call_x> b {CITED}", f"<call_x a>{CITED}</call_x> b [1]"),
        (f"<call_x a/> b {CITED}", "<call_x a/> b [1]"),
        (f'<call_x n="{CITED}"/>\n<call_x>{CITED}', f'<call_x n="{CITED}"/>\n<call_x>{CITED}'),
        (f"a {CITED} <call_x", "a [1] <call_x"),
        (f"<call_y>{CITED}</call_y>", "<call_y> [1]</call_y>"),
    ],
)
def test_a_block_of_ones_own_is_left_alone_and_nothing_else(raw: str, expected: str) -> None:
    for at in range(len(raw)):
        assert with_blocks(raw[:at], raw[at:]) == expected
    assert with_blocks(*raw) == expected


blocks = st.lists(
    st.sampled_from([*MARKS, "<call_x", "</call_x>", "/>", ">", "<", " ", "word", "\n", "call_x"]),
    max_size=15,
).map("".join)


@given(blocks, st.lists(st.integers(0, 300), max_size=6))
def test_cuts_change_nothing_of_blocks(raw: str, places: list[int]) -> None:
    cuts = [0, *sorted(place for place in places if place < len(raw)), len(raw)]
    whole = with_blocks(raw)
    assert with_blocks(*raw) == whole
    assert with_blocks(*(raw[a:b] for a, b in pairwise(cuts))) == whole


@pytest.mark.parametrize(
    ("raw", "thought", "text"),
    [
        ("<thinking>hm\n<call_x a>1</call_x>", "hm\n<call_x a>1</call_x>", "<call_x a>1</call_x>"),
        (f"<thinking><call_x a>{CITED}</call_x>", None, f"<call_x a>{CITED}</call_x>"),
        (f"<thinking>\n<call_x a/>\n{CITED}", None, "<call_x a/>\n[1]"),
        ("<thinking>like <call_x a/>", None, ""),
        ("<thinking>hm\n<call_", None, ""),
        ("<thinking>hm\n<call_x a/>\nno</thinking>Yes", "hm\n<call_x a/>\nno", "Yes"),
    ],
)
def test_a_thought_without_end_is_over_where_a_block_of_ones_own_begins(
    raw: str, thought: str | None, text: str
) -> None:
    for chunks in ([raw], raw, *([raw[:at], raw[at:]] for at in range(len(raw)))):
        cleaner = Cleaner(sources().cite, verbatim="call_x")
        told = [*map(cleaner.feed, chunks), cleaner.flush()]
        assert "".join(t for _, t in told) == text
        assert thought in (None, "".join(t for t, _ in told))
        assert cleaner.flush() == ("", "")


def test_text_goes_on_after_a_flush() -> None:
    cleaner = Cleaner(sources().cite)
    assert cleaner.flush() == ("", "")
    assert [cleaner.feed("a ["), cleaner.flush(), cleaner.feed("b] <")] == [
        ("", "a "),
        ("", "["),
        ("", "b] "),
    ]
    assert [cleaner.feed("c>"), cleaner.feed(""), cleaner.held] == [("", "<c>"), ("", ""), ""]


def test_the_block_lists_each_source_in_use_once() -> None:
    known = sources()
    assert known.block() == ""
    for target in ("3toolu_found", "https://a.test/", "{{https://a.test/}}", "page://x"):
        known.cite(target)
    assert known.block() == (
        "\n\n---\nSources:\n[1] https://three.example.test/\n[2] https://a.test/"
    )
    assert known.afresh().block() == ""
    assert known.afresh().cite("toolu_found") == "[1]"


def test_results_may_come_after_their_citation() -> None:
    known = Sources()
    assert known.cite("toolu_late") == ""
    assert not known.late
    known.learn("toolu_late", FOUND)
    assert known.late


def test_fewer_results_never_take_the_place_of_more() -> None:
    known = sources()
    known.learn("toolu_found", [{"url": "https://other.test/"}])
    known.learn("toolu_found", [{}] * 4)
    known.learn("", FOUND)
    assert known.cite("3toolu_found") == "[1]"
    assert known.cite("toolu_") == ""


@pytest.mark.parametrize(
    "tool",
    [
        {"result": {"output": '{"results":[{"url":"https://a.test/"}]}'}},
        {"result": {"output": {"results": [{"url": "https://a.test/"}]}}},
        {"result": {"structuredContent": {"results": [{"url": "https://a.test/"}]}}},
        {"result": {"output": "{", "extractedResults": [{"url": "https://a.test/"}]}},
        {"additionalResultForRender": {"webResults": [[], 1, [{"url": "https://a.test/"}]]}},
    ],
)
def test_results_are_found_wherever_a_tool_keeps_them(tool: dict[str, object]) -> None:
    assert list(results_of(tool)) == [{"url": "https://a.test/"}]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "webpage://?url=ftp://a", "https://a\nb", 5]
)
def test_only_web_addresses_are_sources(url: object) -> None:
    known = Sources()
    known.learn("toolu_a", [{"url": url, "id": url}])
    assert known.cite("toolu_a") == ""
