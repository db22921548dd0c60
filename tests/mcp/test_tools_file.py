"""The file that names the operations that are offered as tools."""

from pathlib import Path

import pytest

from app.mcp import ToolEntry, ToolsFileError, read_tools


def written(directory: Path, content: str | bytes) -> Path:
    path = directory / "tools.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_it_names_operations_and_describes_their_variables(tmp_path: Path) -> None:
    text = """
        [FindCourses]
        description = " Finds courses by words. "
        name = "find_courses"
        [FindCourses.variables]
        words = "The words."

        [Course]
        description = "One course."
    """
    expected = [
        ToolEntry("FindCourses", "find_courses", "Finds courses by words.", {"words": "The words."}),
        ToolEntry("Course", "Course", "One course.", {}),
    ]
    assert read_tools(written(tmp_path, text)) == expected
    assert read_tools(written(tmp_path, b"\xef\xbb\xbf" + text.encode())) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "isn't TOML in UTF-8"),
        ("[A", "isn't TOML in UTF-8"),
        ("A = 1", "`A` must be a table, [A], named like an operation of the manifest."),
        ("[A]", "[A]: `description` is missing: say when the assistant should use the tool."),
        ("[A]\ndescription = ' '", "[A]: `description` must be a text: say when the assistant should"),
        ("[A]\ndescription = 'a'\ntitle = 'b'", "[A]: `title` is unknown; a tool has description"),
        ("[A]\ndescription = 'a'\nname = 'find courses'", "[A]: the name must have 1 to 64 letters"),
        ("[A]\ndescription = 'a'\nname = 1", "[A]: the name must have 1 to 64 letters"),
        ("['Ä']\ndescription = 'a'", "[Ä]: the name must have 1 to 64 letters"),
        ("[A]\ndescription = 'a'\nvariables = 1", "[A]: `variables` must be a table"),
        ("[A]\ndescription = 'a'\nvariables.b = 1", "[A]: `b` must be a text: say what the variable means."),
        ("[A]\ndescription = 'a'\n[B]\ndescription = 'b'\nname = 'A'", "2 tools are named `A`"),
        ("a = " + "[" * 5_000, "isn't TOML in UTF-8"),
    ],
)  # fmt: skip
def test_a_file_that_cant_be_used_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ToolsFileError) as refused:
        read_tools(path)
    assert str(refused.value).startswith(str(path))
    assert message in str(refused.value)


@pytest.mark.parametrize(("name", "description"), [("a" * 64, "b" * 4_000)])
def test_the_longest_name_and_description(tmp_path: Path, name: str, description: str) -> None:
    def text(name: str, description: str) -> str:
        return f"[A]\nname = '{name}'\ndescription = '{description}'"

    assert read_tools(written(tmp_path, text(name, description)))[0].name == name
    for longer in (text(name + "a", description), text(name, description + "b")):
        with pytest.raises(ToolsFileError):
            read_tools(written(tmp_path, longer))


def test_all_problems_of_a_file_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "B = 1\n[A]\ntitle = 'a'\nname = 'a b'\nvariables.c = ' '\n[C]\ndescription = 1")
    with pytest.raises(ToolsFileError) as refused:
        read_tools(path)
    assert str(refused.value).splitlines() == [
        f"{path}: `B` must be a table, [B], named like an operation of the manifest.",
        f"{path}: [A]: `title` is unknown; a tool has description, name, variables.",
        f"{path}: [A]: the name must have 1 to 64 letters, digits, `_` or `-`.",
        f"{path}: [A]: `description` is missing: say when the assistant should use the tool.",
        f"{path}: [A]: `c` must be a text: say what the variable means.",
        f"{path}: [C]: `description` must be a text: say when the assistant should use the tool.",
    ]


def test_the_largest_file_and_the_most_tools(tmp_path: Path) -> None:
    tool = "[A{}]\ndescription = 'a'\n"
    assert len(read_tools(written(tmp_path, "".join(map(tool.format, range(200)))))) == 200
    with pytest.raises(ToolsFileError, match="it has 201 tools; at most 200 are allowed"):
        read_tools(written(tmp_path, "".join(map(tool.format, range(201)))))
    assert read_tools(written(tmp_path, "#" * 1_000_000)) == []
    with pytest.raises(ToolsFileError, match="larger than 1,000,000 bytes"):
        read_tools(written(tmp_path, "#" * 1_000_001))


def test_a_file_that_isnt_there(tmp_path: Path) -> None:
    with pytest.raises(ToolsFileError, match="it can't be read: No such file or directory"):
        read_tools(tmp_path / "none.toml")


def test_a_number_that_is_too_long_is_told_in_plain_words(tmp_path: Path) -> None:
    path = written(tmp_path, f"a = {'1' * 5_000}")
    with pytest.raises(ToolsFileError) as refused:
        read_tools(path)
    assert str(refused.value) == f"{path}: it has a number with too many digits."
