from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from app.importing.files import Cells
from app.importing.importable_fields import Fields, Importable
from app.importing.mapping import MappingError, Recorder, RowError, check_columns, load_mapping

EXAMPLES = Path(__file__).parents[2] / "examples" / "imports"


def make_recorder(tmp_path: Path, text: str, collection: Importable = "courses") -> Recorder:
    file = tmp_path / "map.toml"
    file.write_text(text)
    return Recorder(load_mapping(file, collection))


def make_record(tmp_path: Path, fields: str, values: Cells) -> Fields:
    return make_recorder(tmp_path, f'[fields]\nid = "id"\ntitle = "title"\n{fields}').record(
        {"id": 1, "title": "A", **values}
    )


def test_a_string_is_a_column_with_the_field_s_default_normaliser(tmp_path: Path) -> None:
    record = make_record(tmp_path, 'durationDays = "length"', {"length": "8 weeks"})
    assert record == {"id": "1", "title": "A", "durationDays": 56}


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ('{ column = "a" }', "1"),
        ('{ join = ["a", "b"] }', "1-2"),
        ('{ join = ["a", "b"], with = ":" }', "1:2"),
        ('{ first = ["none", "b"] }', "2"),
        ('{ value = "fixed" }', "fixed"),
        ('{ column = "deep.er" }', "9"),
        ('{ column = "none", default = "x" }', "x"),
        ('{ join = ["a", "none"] }', None),
        ('{ column = "gone" }', None),
        ('{ column = "a", lookup = { 1 = "one" } }', "one"),
        ('{ column = "b", lookup = { 1 = "one" } }', "2"),
        ('{ column = "a", lookup = "named" }', "two"),
        ('{ column = "yes", lookup = { true = "y", false = "" } }', "y"),
        ('{ column = "a", sentinels = ["1"] }', None),
        ('{ column = "html", as = "markdown" }', "**b**"),
    ],
)
def test_selectors(tmp_path: Path, selector: str, value: str | None) -> None:
    row = {"a": "1", "b": 2, "none": "N/A", "deep": {"er": 9}, "yes": True, "html": "<b>b</b>"}
    record = make_record(tmp_path, f'summary = {selector}\n[lookups.named]\n1 = "two"', row)
    assert record["summary"] == value


def test_collected_columns_are_a_list(tmp_path: Path) -> None:
    assert make_record(tmp_path, 'codes = { collect = ["a", "b"] }', {"a": "X", "b": ""})["codes"] == ["X"]


def test_options_may_vary_by_row(tmp_path: Path) -> None:
    fields = """createdAt = { column = "d", as = "day_offset", start = { column = "t", lookup = "starts" } }
    rating = { column = "average", count = { column = "n" } }
    [lookups.starts]
    2013J = "2013-10-01" """
    record = make_record(tmp_path, fields, {"d": "3", "t": "2013J", "average": "4.5", "n": "1,200"})
    assert record["createdAt"].isoformat() == "2013-10-04T00:00:00+00:00"
    assert record["rating"] == {"average": 4.5, "count": 1200}


@pytest.mark.parametrize("sentinel", ["", "NA", "n/a", " NULL ", "None", "NaN", "-", "\u00a0", float("nan")])
def test_sentinels_become_null_and_are_counted_by_column(tmp_path: Path, sentinel: object) -> None:
    file = tmp_path / "map.toml"
    file.write_text('[fields]\nid = "id"\ntitle = "title"\nsummary = "s"\ndescription = "s"')
    recorder = Recorder(load_mapping(file, "courses"))
    assert recorder.record({"id": 1, "title": "A", "s": sentinel})["summary"] is None
    shown = "NaN" if isinstance(sentinel, float) else str(sentinel).strip()
    assert recorder.null_counts.sentinels == {("s", shown): 1}  # counted once, although two fields read it


@pytest.mark.parametrize("nobody", ["TBA", "Staff", "to be announced"])
def test_nobody_is_counted_as_a_sentinel_of_people(tmp_path: Path, nobody: str) -> None:
    file = tmp_path / "map.toml"
    file.write_text('[fields]\nid = "id"\ntitle = "title"\ninstructors = "who"')
    recorder = Recorder(load_mapping(file, "courses"))
    empty = recorder.record({"id": 1, "title": nobody, "who": ""})
    assert recorder.record({"id": 1, "title": nobody, "who": nobody}) == empty
    assert recorder.null_counts.sentinels[("who", nobody)] == 1


def test_namibia_is_a_country(tmp_path: Path) -> None:
    record = make_recorder(tmp_path, '[fields]\nid = "id"\ncountry = "c"', "students").record(
        {"id": 1, "c": "NA"}
    )
    assert record["country"] == "NA"


def test_a_value_that_can_t_be_read_rejects_its_row(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"^durationDays: “soon” is not a duration$"):
        make_record(tmp_path, 'durationDays = "length"', {"length": "soon"})


def test_a_value_that_can_t_be_read_becomes_null_if_the_mapping_says_so(tmp_path: Path) -> None:
    recorder = make_recorder(
        tmp_path, '[fields]\nid = "id"\ntitle = "t"\nlevel = { column = "l", invalid = "null" }'
    )
    assert recorder.record({"id": 1, "t": "A", "l": "what"})["level"] is None
    assert recorder.null_counts.invalid == {"level: is not a level": 1}


def test_a_row_without_a_required_value_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="title: no value in title"):
        make_record(tmp_path, "", {"title": " "})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields = 1", "fields: must be a table"),
        ("[fields]\nid = 'a'", "fields: “title” is missing: courses can't be imported without it"),
        ("[fields]\nid = 'a'\ntitel = 'b'", "fields.titel: unknown key; did you mean “title”"),
        ("colection = 'courses'", "colection: unknown key; did you mean “collection”"),
        ("collection = 'reviews'", "collection: this mapping is for reviews, not for courses"),
        (
            "[fields]\nid = { column = 'a', as = 'sulg' }",
            "fields.id.as: there is no normaliser “sulg”; did you mean “slug”",
        ),
        ("[fields]\nid = { colum = 'a' }", "fields.id.colum: unknown key; did you mean “column”"),
        (
            "[fields]\nid = { column = 'a', first = ['b'] }",
            "fields.id: needs exactly one of column, join, first",
        ),
        ("[fields]\nid = {}", "fields.id: needs exactly one of"),
        ("[fields]\nid = { column = 'a', invalid = 'null' }", "fields.id.invalid: this field can't be null"),
        ("[fields]\nid = { first = 'b' }", "fields.id.first: must be a list of strings"),
        ("[fields]\nid = { column = 'a', lookup = 'x' }", "fields.id.lookup: there is no table [lookups.x]"),
        ("[fields]\nid = { column = 'a', invalid = 'no' }", "fields.id.invalid: must be “reject” or “null”"),
        (
            "[fields]\nid = { column = 'a', as = 'day_offset' }",
            "fields.id: the normaliser “day_offset” needs the option “start”",
        ),
        ("[fields]\nid = { column = 'a', day_first = true }", "fields.id.day_first: unknown key"),
        ("[fields\n", "(at line 1"),
    ],
)
def test_an_invalid_mapping_is_reported_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "map.toml"
    file.write_text(text)
    with pytest.raises(MappingError) as error:
        load_mapping(file, "courses")
    assert str(file) in str(error.value)
    assert message in str(error.value)


def test_a_missing_mapping_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="No such file"):
        load_mapping(tmp_path / "absent.toml", "courses")


def test_a_column_that_is_missing_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('[fields]\nid = "id"\ntitle = "tilte"')
    with pytest.raises(
        MappingError, match=r"fields.title: x.csv has no column “tilte”; did you mean “title”"
    ):
        check_columns(load_mapping(file, "courses"), ["id", "title"], "x.csv")


def examples() -> Sequence[Path]:
    return sorted(EXAMPLES.glob("*/*.toml"))


@pytest.mark.parametrize("file", examples(), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_examples_are_valid_mappings(file: Path) -> None:
    collection = cast("Importable", file.stem.split("-")[0])
    mapping = load_mapping(file, collection)
    assert mapping.collection == collection
    assert mapping.source == file.parent.name
