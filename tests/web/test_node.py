"""web/node.py: which versions of Node are accepted, and when packages are reinstalled."""

from pathlib import Path

import pytest

from web import node


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.0", True),
        ("", False),
    ],
)
def test_old_versions_are_refused(version: str, enough: bool) -> None:
    assert node.is_new_enough(version) is enough


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with installed packages."""
    for name in node.LOCK:
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / ".installed").write_text(
        node.digest((tmp_path / name for name in node.LOCK), tmp_path), encoding="ascii"
    )
    return tmp_path


def test_packages_that_match_the_lock_are_kept(folder: Path) -> None:
    assert node.is_installed(folder)


@pytest.mark.parametrize("name", node.LOCK)
def test_a_changed_lock_reinstalls_the_packages(folder: Path, name: str) -> None:
    (folder / name).write_text("another", encoding="utf-8")
    assert not node.is_installed(folder)


def test_a_failure_shows_the_output_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(node.NodeError, match=r"(?s)it broke.*exit code 3"):
        node.run(["sh", "-c", "echo it broke; exit 3"], {}, tmp_path)
