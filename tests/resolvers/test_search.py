"""Search: spellings of words, scripts, limits, and searches that are corrected."""

from unicodedata import normalize

import pytest

from loaders.mongo.database import Database
from loaders.text import MOST_WORDS
from resolvers.context import Viewer
from resolvers.course_search import MOST_CORRECTED
from tests import factories
from tests.factories import store
from tests.resolvers.conftest import Ask, Doc, Json, Value

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")
TEXT = """query ($filter: CourseFilter, $first: Int, $after: String, $orderBy: CourseOrder) {
  courses(filter: $filter, first: $first, after: $after, orderBy: $orderBy) {
    searchedFor totalCount nodes { title } pageInfo { hasNextPage endCursor }
    facets { levels { value count } }
  }
}"""


async def courses(ask: Ask, search: str, viewer: Viewer | None = None, **variables: Value) -> Json:
    given: Doc = {"filter": {"search": search, **variables.pop("filter", {})}, **variables}
    payload = await ask(TEXT, given, **({"viewer": viewer} if viewer else {}))
    assert "errors" not in payload, payload
    return payload["data"]["courses"]


def titles(connection: Json) -> list[str]:
    return [node["title"] for node in connection["nodes"]]


SPELLINGS = [
    ("Łódź", "lodz"), ("Ørsted", "orsted"), ("Đà Nẵng", "da nang"), ("Æther", "aether"),
    ("Straßenbau", "strassenbau"),
    ("Soft\u00adware", "software"), ("Soft\u200bware testing", "software"), ("Software", "soft\u00adware"),
    ("深度学习与神经网络", "学习"), ("深度学习与神经网络", "学"), ("深度学习与神经网络", "络"),
    ("日本語入門コース", "入門"), ("バスの歴史", "バス"), ("การเขียนโปรแกรมเบื้องต้น", "โปรแกรม"),
    ("ສະບາຍດີ", "ບາຍ"), ("ការសរសេរកម្មវិធី", "សរសេរ"), ("မြန်မာစာ", "မာစာ"),
    ("Pythonプログラミング", "python"),
    ("Node.js", "nodejs"), ("Node.js", "node.js"), ("Node.js", "node js"), ("NodeJS", "node js"),
    ("C++", "c++"),
    ("C#", "c#"), ("हिन्दी", "हिन्दी"), ("한국어 초급", normalize("NFD", "한국어")),
    ("Йога", normalize("NFD", "йога")),
    ("\uff30\uff59\uff54\uff48\uff4f\uff4e", "python"),
    ("Programming", "programmin"), ("Studying", "studyin"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "search"), SPELLINGS)
async def test_titles_are_found_by_other_spellings(
    database: Database, ask: Ask, title: str, search: str
) -> None:
    await store(database, courses=[factories.course(title), factories.course("Another course")])
    found = await courses(ask, search)
    assert (titles(found), found["searchedFor"]) == ([title], None)


@pytest.mark.parametrize(
    ("title", "search"), [("ハスの歴史", "バス"), ("深度", "度深"), ("C", "c++"), ("C++", "c#")]
)
async def test_other_words_are_not_found(database: Database, ask: Ask, title: str, search: str) -> None:
    await store(database, courses=[factories.course(title)])
    assert titles(await courses(ask, search)) == []


@pytest.mark.parametrize("code", ["QX101", "QX-101", "QX 101", "qx101"])
@pytest.mark.parametrize("search", ["QX101", "QX-101", "QX 101", "qx10", "101"])
async def test_codes_are_found_in_every_form(database: Database, ask: Ask, code: str, search: str) -> None:
    other = factories.course("Other", codes=["QX", "QX202"], description="see 1010 pages")
    await store(database, courses=[factories.course("Coded", codes=[code]), other])
    assert titles(await courses(ask, search))[0] == "Coded"


@pytest.mark.parametrize("search", ["計算機101", "計算機 101", "計算機", "算機", "101"])
async def test_codes_in_scripts_without_spaces_are_found(database: Database, ask: Ask, search: str) -> None:
    await store(database, courses=[factories.course("Coded", codes=["計算機101"]), factories.course("Other")])
    assert titles(await courses(ask, search)) == ["Coded"]


@pytest.mark.parametrize(
    ("search", "count"), [("🚀", 0), ("!!!", 0), ("++", 0), (" ", 1), ("\u200b", 1), ("", 1)]
)
async def test_symbols_find_nothing(
    database: Database, ask: Ask, mongo_commands: list[str], search: str, count: int
) -> None:
    await store(database, courses=[factories.course("Course")], students=[factories.student("Course")])
    mongo_commands.clear()
    found = await courses(ask, search)
    assert (found["totalCount"], found["searchedFor"]) == (count, None)
    assert mongo_commands == ["find courses", "aggregate courses", "aggregate courses"]
    text = "query ($s: String) { students(filter: { search: $s }) { totalCount } }"
    assert (await ask(text, {"s": search}, viewer=STAFF))["data"]["students"]["totalCount"] == count


async def test_a_search_has_a_number_of_words(database: Database, ask: Ask) -> None:
    most = " ".join(f"w{n}" for n in range(MOST_WORDS))
    await store(database, courses=[factories.course(most)], students=[factories.student(most)])
    assert titles(await courses(ask, most)) == [most]
    for text in (TEXT, "query ($filter: StudentFilter) { students(filter: $filter) { totalCount } }"):
        (error,) = (await ask(text, {"filter": {"search": f"{most} more"}}, viewer=STAFF))["errors"]
        assert error["message"] == "`search` has 21 words, but at most 20 are allowed."
        assert error["extensions"] == {
            "code": "BAD_USER_INPUT", "reason": "TOO_LONG", "params": {"maxWords": MOST_WORDS}
        }  # fmt: skip


async def test_every_word_is_required_but_the_most_common(database: Database, ask: Ask) -> None:
    await store(database, courses=[factories.course("Databases", description="how to use them")])
    assert titles(await courses(ask, "the use of databases")) == ["Databases"]
    assert titles(await courses(ask, "a an the of in on to for with and zzzzqq")) == []


async def test_an_exact_title_or_code_comes_first(database: Database, ask: Ask) -> None:
    rated = {"stars": [0, 0, 0, 0, 900]}
    listed = [
        factories.course("Data science with data", tags=["science"], summary="Data science", **rated),
        factories.course("Data Science"),
        factories.course("DS 1 in a hundred days", **rated),
        factories.course("Exams", codes=["DS-1"]),
    ]
    await store(database, courses=listed)
    assert titles(await courses(ask, "data science"))[0] == "Data Science"
    assert titles(await courses(ask, "DS-1"))[0] == "Exams"


SLIPS = [
    ("pyhton", "python"), ("pythn", "python"), ("pythoon", "python"),
    ("pythom", "python"), ("ypthon", "python"),
    ("pyhton basics", "python basics"), ("basics pyhton", "basics python"),
    ("pyhton bsaics", "python basics"),
    ("lerning", "learning"), ("the pyhton", "the python"), ("Jaav", "java"), ("Йюга", "йога"),
]  # fmt: skip


@pytest.mark.parametrize(("search", "searched_for"), SLIPS)
async def test_a_slip_is_corrected(
    database: Database, ask: Ask, mongo_commands: list[str], search: str, searched_for: str
) -> None:
    written = [factories.course(title) for title in ("Python basics", "Learning to write", "Java", "Йога")]
    await store(database, courses=written)
    mongo_commands.clear()
    found = await courses(ask, search)
    assert found["searchedFor"] == searched_for
    assert mongo_commands == ["aggregate courses"] * 5  # with totalCount and facets
    again = await courses(ask, searched_for)
    assert again.pop("searchedFor") is None
    assert found.pop("searchedFor") == searched_for
    found["pageInfo"].pop("endCursor")
    again["pageInfo"].pop("endCursor")
    assert found == again
    assert found["totalCount"] == len(found["nodes"]) == 1


@pytest.mark.parametrize(
    "search", ["zzzzqq", "pyhton zzzzqq", "pqthxn", "py", "パイソン", "python2", "ab cd ef gh ij"]
)
async def test_what_can_t_be_corrected_finds_nothing(
    database: Database, ask: Ask, mongo_commands: list[str], search: str
) -> None:
    await store(database, courses=[factories.course("Java"), factories.course("Pithon")])
    mongo_commands.clear()
    found = await courses(ask, search)
    assert (found["searchedFor"], found["totalCount"]) == (None, 0)
    assert len(mongo_commands) <= 2 + 2  # with totalCount and facets


async def test_words_that_courses_have_are_not_replaced(database: Database, ask: Ask) -> None:
    """`horse` and `course` are near each other, but both exist, though not in one course."""
    await store(database, courses=[factories.course("Horse riding"), factories.course("Course design")])
    found = await courses(ask, "horse design")
    assert (found["searchedFor"], titles(found)) == (None, [])
    found = await courses(ask, "horse", filter={"levels": ["ADVANCED"]})
    assert (found["searchedFor"], titles(found)) == (None, [])


async def test_the_most_frequent_word_is_taken(database: Database, ask: Ask) -> None:
    written = [factories.course(title) for title in ("Horse", "Worse 1", "Worse 2", "Corset")]
    await store(database, courses=written)
    assert (await courses(ask, "qorse"))["searchedFor"] == "worse"


async def test_a_search_that_finds_something_sends_one_command(
    database: Database, ask: Ask, mongo_commands: list[str]
) -> None:
    await store(database, courses=[factories.course("Python")])
    mongo_commands.clear()
    for first in (0, 1):
        text = (
            f'{{ courses(first: {first}, filter: {{ search: "python" }}) {{ searchedFor nodes {{ id }} }} }}'
        )
        assert "errors" not in await ask(text)
    assert mongo_commands == ["aggregate courses"] * 2


async def test_the_pages_of_a_corrected_search(
    database: Database, ask: Ask, mongo_commands: list[str]
) -> None:
    await store(database, courses=[factories.course(f"Python {n}") for n in range(5)])
    seen, after = [], None
    for page in range(3):
        mongo_commands.clear()
        order = {"field": "TITLE", "direction": "ASC"}
        found = await courses(ask, "pyhton", first=2, after=after, orderBy=order)
        assert (found["searchedFor"], found["totalCount"]) == ("python", 5)
        assert len(mongo_commands) == (5 if page == 0 else 3)  # with totalCount and facets
        seen += titles(found)
        after = found["pageInfo"]["endCursor"]
    assert seen == [f"Python {n}" for n in range(5)]
    assert not found["pageInfo"]["hasNextPage"]


async def test_a_cursor_of_a_corrected_search_is_its_own(database: Database, ask: Ask) -> None:
    await store(database, courses=[factories.course(f"Python {n}") for n in range(3)])
    corrected = (await courses(ask, "pyhton", first=1))["pageInfo"]["endCursor"]
    exact = (await courses(ask, "python", first=1))["pageInfo"]["endCursor"]
    for search, after in (("python", corrected), ("pyhton", exact)):
        (error,) = (await ask(TEXT, {"filter": {"search": search}, "after": after}))["errors"]
        assert error["extensions"] == {"code": "INVALID_CURSOR"}


async def test_a_page_after_the_last_is_not_corrected(
    database: Database, ask: Ask, mongo_commands: list[str]
) -> None:
    await store(database, courses=[factories.course("Pithon"), factories.course("Python")])
    after = (await courses(ask, "pithon"))["pageInfo"]["endCursor"]
    mongo_commands.clear()
    found = await courses(ask, "pithon", after=after)
    assert (found["searchedFor"], titles(found)) == (None, [])
    assert len(mongo_commands) == 3


async def test_aliases_share_the_correction(database: Database, ask: Ask, mongo_commands: list[str]) -> None:
    await store(database, courses=[factories.course("Python")])
    mongo_commands.clear()
    lists = " ".join(
        f'a{n}: courses(first: {n}, filter: {{ search: "pyhton" }}) {{ searchedFor }}' for n in range(4)
    )
    data = (await ask(f"{{ {lists} }}"))["data"]
    assert data == {f"a{n}": {"searchedFor": "python"} for n in range(4)}
    assert len(mongo_commands) == 4 + 1 + 4


async def test_a_request_has_at_most_five_searches_corrected(
    database: Database, ask: Ask, mongo_commands: list[str]
) -> None:
    """However many fields and levels they are in."""
    words = ["alpha", "bravo", "delta", "gamma", "omega", "sigma", "theta"]
    await store(database, courses=[factories.course(" ".join(words), categorySlug="a")])
    await store(database, categories=[factories.category("a")])
    fields = [
        f'w{n}: courses(filter: {{ search: "{word}x" }}) {{ searchedFor }}' for n, word in enumerate(words)
    ]
    mongo_commands.clear()
    payload = await ask(f'{{ {" ".join(fields[:3])} category(slug: "a") {{ {" ".join(fields[3:])} }} }}')
    found = payload["data"] | payload["data"].pop("category")
    replaced = {field: own["searchedFor"] for field, own in found.items() if own["searchedFor"]}
    assert len(replaced) == MOST_CORRECTED
    assert replaced.items() <= {f"w{n}": word for n, word in enumerate(words)}.items()
    assert len(mongo_commands) == 1 + len(words) + 2 * MOST_CORRECTED


async def test_many_words_take_as_few_commands(
    database: Database, ask: Ask, mongo_commands: list[str]
) -> None:
    await store(database, courses=[factories.course("Python")])
    mongo_commands.clear()
    search = " ".join(f"pyhto{letter}" for letter in "abcdefghijklmnopqrst")
    assert (await courses(ask, search))["searchedFor"] is None
    assert len(mongo_commands) <= 3 + 2


async def test_lists_of_categories_are_corrected_one_by_one(
    database: Database, ask: Ask, mongo_commands: list[str]
) -> None:
    """What one list finds doesn't depend on the others; together they take at most two more commands."""
    await store(
        database,
        categories=[factories.category("a"), factories.category("b"), factories.category("c")],
        courses=[
            factories.course("Pyhton", categorySlug="a", status="DRAFT"),
            factories.course("Python", categorySlug="a"),
            factories.course("Python too", categorySlug="b"),
        ],
    )
    text = '{ categories { slug courses(filter: { search: "pyhton" }) { searchedFor totalCount } } }'
    mongo_commands.clear()
    found = {c.pop("slug"): c["courses"] for c in (await ask(text))["data"]["categories"]}
    assert found == {
        slug: {"searchedFor": "python", "totalCount": count} for slug, count in (("a", 1), ("b", 1), ("c", 0))
    }
    assert len(mongo_commands) == 1 + 3 + 1
    found = {c.pop("slug"): c["courses"] for c in (await ask(text, viewer=STAFF))["data"]["categories"]}
    assert found["a"] == {"searchedFor": None, "totalCount": 1}
    assert found["b"] == {"searchedFor": None, "totalCount": 0}  # staff see that the word exists


@pytest.mark.parametrize("status", ["DRAFT", "ARCHIVED"])
async def test_words_of_hidden_courses_are_not_revealed(database: Database, ask: Ask, status: str) -> None:
    await store(database, courses=[factories.course("Zirconium", status=status), factories.course("Course")])
    for search in ("zirconuim", "zirconiu", "zirconium"):
        found = await courses(ask, search)
        assert (found["searchedFor"], titles(found)) == (None, [])
    found = await courses(ask, "zirconuim", STAFF)
    assert (found["searchedFor"], titles(found)) == ("zirconium", ["Zirconium"])
    found = await courses(ask, "zirconuim", STAFF, filter={"statuses": ["PUBLISHED"]})
    assert found["searchedFor"] is None
