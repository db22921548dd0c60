"""Catalogues with pictures, links, credits, institutions and averages, imported without a mapping."""

import pytest

from tests.importing.shell import Shell

MARKETPLACE = """course_id,course_title,url,num_reviews,avg_rating,image_240x135,level,content_duration
1,Baking,https://shop.example/baking/,23,4.7,https://img.example/1.jpg,All Levels,1.5
2,Knitting,https://shop.example/knitting/,,4.2,https://img.example/2.jpg,All Levels,3
3,Juggling,https://shop.example/juggling/,0,0,http://img.example/3.jpg,Beginner Level,2
4,Singing,javascript:alert(1),12,4.45,https://img.example/4.jpg,Beginner Level,1
5,Sewing,,7,3.9,,Beginner Level,2
6,Rowing,https://shop.example/rowing/,1,5.0,https://img.example/6.jpg,Expert,2
"""
UNIVERSITY = """id;title;ECTS;Voraussetzungen;Universität
104.265;Analysis;7,5;;TU Musterstadt
104.271;Algebra;9,0;104.265;TU Musterstadt
104.300;Topologie;6 ECTS;104.271, 104.265;TU Musterstadt
104.310;Seminar;3-6;;TU Musterstadt
104.320;Praktikum;3;;TU Musterstadt
"""


def told(output: str) -> list[str]:
    return [line.strip() for line in output.splitlines() if "unreadable" in line or "left out" in line]


def test_a_marketplace(shell: Shell) -> None:
    result = shell.run("import", "courses", shell.write("m.csv", MARKETPLACE), "--source", "s")
    assert result.exception is None
    baking, knitting, juggling, singing, sewing, _ = shell.all("courses")
    assert baking["importedRating"] == {"average": 4.7, "count": 23}
    assert (baking["ratingAverage"], baking["ratingCount"]) == (4.7, 23)
    assert knitting["importedRating"] == {"average": 4.2, "count": None}
    assert (knitting["ratingAverage"], knitting["ratingBayesian"], knitting["ratingCount"]) == (None, 3.5, 0)
    assert juggling["importedRating"] is None
    assert [c["url"] for c in (baking, singing, sewing)] == ["https://shop.example/baking/", None, None]
    assert [c["imageUrl"] for c in (baking, juggling)] == ["https://img.example/1.jpg", None]
    assert sorted(" ".join(line.split()) for line in told(result.stdout)) == [
        "unreadable, set to null: imageUrl: is not an https URL 1 (e.g. “http://img.example/3.jpg”)",
        "unreadable, set to null: url: is not a URL with http:// or https:// 1 (e.g. “javascript:alert(1)”)",
    ]


def test_a_university(shell: Shell) -> None:
    result = shell.run("import", "courses", shell.write("u.csv", UNIVERSITY), "--source", "s")
    assert result.exception is None
    courses = shell.all("courses")
    assert [course["credits"] for course in courses] == [7.5, 9.0, 6.0, None, 3.0]
    assert {course["institution"] for course in courses} == {"TU Musterstadt"}
    first, second = courses[0]["_id"], courses[1]["_id"]
    assert [c.get("prerequisiteIds", []) for c in courses] == [[], [first], [second, first], [], []]
    (line,) = told(result.stdout)
    assert " ".join(line.split()) == "unreadable, set to null: credits: has several numbers 1 (e.g. “3-6”)"


@pytest.mark.parametrize("field", ["credits", "institution", "url", "imageUrl", "prerequisites", "rating"])
@pytest.mark.parametrize(
    "cell", ["x" * 999_000, "https://" * 120_000, "9" * 999_000, ["a", {"b": 1}], {"a": 1}, True]
)
def test_a_hostile_cell_is_left_out_or_kept_as_text(shell: Shell, field: str, cell: object) -> None:
    row = {"id": "1", "title": "A", field: cell}
    mapping = (
        'collection = "courses"\n[fields]\nid = "id"\ntitle = "title"\n'
        f'{field} = {{column = "{field}", invalid = "null"}}\n'
    )
    file, map_ = shell.write("c.ndjson", [row, {"id": "2", "title": "B"}]), shell.write("m.toml", mapping)
    counts = shell.ok("import", "courses", file, "--map", map_, "--source", "s")
    assert (counts["created"], counts["rejected"]) == (2, 0)
    (course, _) = shell.all("courses")
    for name in ("credits", "url", "imageUrl", "importedRating"):
        assert course.get(name) is None


def test_a_printed_mapping_imports_the_same(shell: Shell) -> None:
    for name, content in (("m.csv", MARKETPLACE), ("u.csv", UNIVERSITY)):
        file = shell.write(name, content)
        shell.ok("import", "courses", file, "--source", name)
        mapping = shell.write(
            "map.toml", shell.run("import", "courses", file, "--source", name, "--print-map").stdout
        )
        counts = shell.ok("import", "courses", file, "--map", mapping, "--source", name)
        assert counts["updated"] == counts["created"] == 0
