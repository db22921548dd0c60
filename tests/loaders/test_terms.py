"""Words, terms and slugs of texts."""

from functools import partial
from unicodedata import combining, is_normalized, normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loaders.text import folding, search, terms
from loaders.text.folding import folded, is_blank, nfc, spelt
from loaders.text.search import query
from loaders.text.slips import near
from loaders.text.slugs import slugify
from loaders.text.terms import course_keys, name_keys, words
from tests.support import cpu

#: Texts in which normalisation has something to do.
TEXTS = st.text(max_size=200) | st.text(
    alphabet="aeö\uff21ß\u03c3Σςłæ\u0301\u3099\u0323か\uff76\uff9e\u200d\u200c\u094d\u0915\u093e\u20dd\u0345ᾳΐİ\u0131"
    "\ufdfa\u06cc\u00ad+#-. ",
    max_size=30,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Node.JS & Next-JS", ["node", "js", "next", "js"]),
        ("C++, C# and F#", ["c++", "c#", "and", "f#"]),
        ("Café Ökonomie", ["cafe", "okonomie"]),
        (
            "Łódź Ørsted Æther Đà Nẵng straße Œuvre Þór",
            ["lodz", "orsted", "aether", "da", "nang", "strasse", "oeuvre", "thor"],
        ),
        ("x\u0302y a\u0323\u0308", ["xy", "a"]),  # marks without a composed letter
        ("ISTANBUL İstanbul \u0131s\u0131", ["istanbul", "istanbul", "isi"]),
        ("مقدمة في البرمجة", ["مقدمة", "في", "البرمجة"]),
        ("हिन्दी Йога Київ λόγος", ["हिन्दी", "йога", "київ", "λόγοσ"]),
        ("バス パス ハス \uff8a\uff9e\uff7d", ["バス", "パス", "ハス", "バス"]),
        ("\uff30\uff59\uff54\uff48\uff4f\uff4e", ["python"]),  # full width
        ("Soft\u00adware soft\u200bware s\u2060oftware", ["software"] * 3),
        ("می\u200cخو", ["میخو"]),
        ("🙂 _x_ ", ["x"]),
        ("🚀 ❤\ufe0f !!! ++", []),
        ("", []),
    ],
)
def test_folded_words(text: str, found: list[str]) -> None:
    assert folded(text) == found
    assert folded(normalize("NFD", text)) == found


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Node.JS & Express", "node-js-express"),
        ("C++ / C#", "cpp-csharp"),
        ("Café Ökonomie", "cafe-okonomie"),
        ("Łódź", "łodz"),
        ("バスの歴史", "バスの歴史"),
        ("プロダクトデザイン", "プロダクトデザイン"),
        ("パン屋", "パン屋"),
        ("हिन्दी", "हिन्दी"),
        ("பயிற்சி", "பயிற்சி"),
        ("Йога", "йога"),
        ("Київ", "київ"),
        ("λόγος ΛΌΓΟΣ", "λόγος-λόγος"),
        ("한국어 초급", "한국어-초급"),
        ("Pythonプログラミング", "pythonプログラミング"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),  # these joiners belong to the spelling
        ("می\u200cخو", "می\u200cخو"),
        ("soft\u00adware a\u200db", "software-ab"),
        ("🚀", ""),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    assert slugify(text) == slug
    assert slugify(normalize("NFD", text)) == slug


@given(TEXTS)
@example("0\u094d\u200c\uff9e")  # normalisation makes the sound mark a combining mark
def test_folding_words_again_does_not_change_them(text: str) -> None:
    for fold in (spelt, folded):
        for word in fold(text):
            assert fold(word) == [word]
            assert is_normalized("NFC", word)


@given(TEXTS)
@example("\u0300\u094d\u200c0")  # normalisation puts the virama before the other mark
@example("a" * 78 + " \u094ea")  # the cut leaves only a mark of the second word
@example("\N{GREEK SMALL LETTER SIGMA}" * 100)  # the cut makes another sigma the last letter
@example("\u0645\u200c" * 60)  # the cut leaves a joiner at the end
def test_slugs_are_composed_and_stable(text: str) -> None:
    for longest in (75, 80):
        slug = slugify(text, longest)
        assert slugify(slug) == slug == nfc(slug)
        assert len(slug) <= longest


@given(TEXTS)
def test_spellings_of_one_text_have_equal_words(text: str) -> None:
    assert folded(normalize("NFD", text)) == folded(normalize("NFC", text))


@pytest.mark.parametrize(
    ("text", "blank"), [("", True), (" \n", True), ("\u200b\u00ad", True), ("!", False), ("🚀", False)]
)
def test_blank_texts(text: str, blank: bool) -> None:
    assert is_blank(text) is blank


def course(title: str, **fields: object) -> dict[str, object]:
    return {"title": title, "codes": [], "tags": [], "summary": None, "description": None, **fields}


def weights(**fields: object) -> dict[str, int]:
    keys = course_keys(course("") | fields)
    return dict(zip(keys["searchTerms"], keys["searchWeights"], strict=True))


def test_the_weight_of_a_term_is_the_sum_over_its_fields() -> None:
    found = weights(title="Databases", codes=["DB-1"], tags=["sql"], description="Learn databases with SQL.")
    assert found == {"db1": 30, "databas": 11, "db": 10, "1": 10, "sql": 7, "learn": 1}


@pytest.mark.parametrize("code", ["QX101", "QX-101", "QX 101", "qx.101"])
def test_the_spellings_of_a_code_have_equal_terms(code: str) -> None:
    assert set(weights(codes=[code])) == {"qx", "101", "qx101"}


def test_the_terms_of_a_code_in_a_script_without_spaces() -> None:
    assert set(weights(codes=["計算機101"])) == {"計算", "算機", "機", "101", "計算機101"}
    assert weights(codes=["学"])["学"] == 30


def test_compounds_are_also_found_without_their_punctuation() -> None:
    found = weights(title="Node.js, front-end & CS 50", description="it's state-of-the-art 3.11")
    assert {"nodej", "node", "js", "frontend", "cs50", "cs", "50", "311"} <= found.keys()
    assert "stateoftheart" not in found


def test_scripts_without_spaces_have_pairs_of_characters_as_terms() -> None:
    assert list(weights(title="深度学习与Python")) == ["深度", "度学", "学习", "习与", "与", "python"]
    assert list(weights(title="ไทย")) == ["ไท", "ทย", "ย"]
    assert list(weights(title="学")) == ["学"]
    assert list(weights(title="데이터 과학")) == ["데이터", "과학"]


def test_a_long_description_does_not_displace_the_title() -> None:
    found = weights(title="Title", description=" ".join(f"word{n}" for n in range(2000)))
    assert len(found) == 150
    assert list(found)[:3] == ["titl", "word0", "word1"]
    assert found["titl"] == 10


def test_stop_words_count_in_titles_only() -> None:
    assert list(weights(title="The art", summary="the best of it")) == ["the", "art", "best", "it"]


def test_terms_of_students() -> None:
    keys = name_keys({"name": "  Zoë  Łoś "})
    assert keys == {"sortName": "zoe los", "searchTerms": ["zoe", "los"]}


def test_a_query_has_the_terms_of_what_it_finds() -> None:
    (qx, number) = (query("QX 101").terms[word][0] for word in ("qx", "101"))
    assert "qx101" in qx.forms
    assert "qx101" in number.forms
    assert query("學").terms["學"][0].prefix == "學"
    assert [term.forms for term in query("深度学").terms["深度学"]] == [("深度",), ("度学",)]
    assert "program" in query("programmi").terms["programmi"][0].begun
    assert list(query("the art of").required) == ["art"]
    assert list(query("of the").required) == ["of", "the"]


@pytest.mark.parametrize(
    "form", ["python", "pyhton", "pythn", "pytthon", "pxthon", "ypthon", "pythom", "pytho"]
)
def test_one_edit_or_swap_is_near(form: str) -> None:
    assert form == "python" or "python" in near(form)
    assert form not in near(form)


@given(st.text(max_size=70))
def test_near_words_are_bounded(word: str) -> None:
    assert len(list(near(word))) <= 2_100


def test_near_words_in_other_scripts() -> None:
    assert "йога" in near("йюга")
    assert "データ" in near("データタ")
    for word in ("ab", "x" * 21, "qx101", "c++", ""):
        assert not list(near(word))


MARKS = ["\u0315\u0300", "\u0f73", "\u0344", "\uff9e\u0300", "\u200d\u0315\u200b\u0300", "\u3000\u0315\u0300"]


@pytest.mark.parametrize("run", MARKS)
def test_no_long_run_of_marks_is_normalised(monkeypatch: pytest.MonkeyPatch, run: str) -> None:
    """100 kB of marks: what Python normalises is bounded in length, and each run in it too."""
    normalised: list[str] = []

    def counted(form: str, text: str) -> str:
        normalised.append(text)
        return normalize(form, text)  # type: ignore[arg-type] # a form

    monkeypatch.setattr(folding, "normalize", counted)
    text = ("a" + run * 50_000)[:100_000]
    for function in (folded, spelt, nfc, slugify, words):
        normalised.clear()
        function(text)
        assert normalised
        assert sum(map(len, normalised)) <= 3 * len(text)
        assert max(_longest_run(given) for given in normalised) <= 60


def _longest_run(text: str) -> int:
    longest = length = 0
    for character in normalize("NFKD", text):
        length = length + 1 if combining(character) else 0
        longest = max(longest, length)
    return longest


@pytest.mark.parametrize("run", [*MARKS, "\ufdfa", "e\u0301", "学", "a.", "a-", "x"])
def test_finding_terms_takes_linear_time(run: str) -> None:
    """Ten times the text may take ten times as long, not a hundred times."""
    short, long = (cpu(partial(course_keys, course("t", description="a" + run * n))) for n in (4_000, 40_000))
    assert long < 25 * short + 0.01


def test_the_caches_for_texts_are_bounded() -> None:
    """Uses every Unicode character as a word, and thousands of queries."""
    for code in [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]:
        words(chr(code))
    search.query.cache_clear()
    for code in range(0x3000, 0x4000):
        query(f"{chr(code)} word{code} " + "x" * 150)
    assert len(folding._FOLDING) <= 4_096
    assert search.query.cache_info().currsize <= 64
    terms._stems.clear()
    for n in range(20_000):
        terms.stem(f"{n}s")
    terms.stem("y" * 21)
    assert len(terms._stems) == 20_000
    terms.stem("one more")
    assert len(terms._stems) == 1
