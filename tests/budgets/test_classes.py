"""The classes and keys in the settings."""

from hashlib import sha256
from pathlib import Path

import pytest

from app.budget_classes import (
    MOST_CLASSES,
    MOST_KEYS,
    MOST_POINTS,
    SIGN_IN,
    about_sizes,
    by_role,
    read_classes,
    read_keys,
)
from app.settings import Settings, SettingsError, load

DIGEST = sha256(b"a key").hexdigest()


def test_a_class_has_a_rate_and_a_size_or_is_unlimited() -> None:
    public, partner = read_classes(" public = 500:20000 ,partner=unlimited,")
    assert (public.rate, public.size, public.window, public.is_unlimited) == (500, 20_000, 40.0, False)
    assert (partner.is_unlimited, partner.window) == (True, 0.0)
    assert (str(public), str(partner)) == ("public=500:20000", "partner=unlimited")


def test_a_slice_is_a_tenth_and_is_kept_for_a_fortieth_of_the_time() -> None:
    (public,) = read_classes("public=500:20000")
    assert (public.slice, public.least, public.kept) == (2_000, 125, 1.0)
    (tiny,) = read_classes("public=1:1")
    assert (tiny.slice, tiny.least, tiny.kept) == (1, 1, 0.025)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("public", "must give the points restored in a second and the size, such as `public=500:20000`"),
        ("public=500", "must give the points"),
        ("public=0:10", "must give the points"),
        ("public=11:10", "the size is at least the rate"),
        ("public=-1:10", "must give the points"),
        ("public=٣:10", "must give the points"),
        (f"public=1:{MOST_POINTS + 1}", "at most 1,000,000,000"),
        ("Public=1:10", "lower-case letters"),
        (f"{'p' * 33}=1:10", "lower-case letters"),
        ("student=1:10", "must have the class `public`"),
        ("public=1:10,public=2:20", "`public` is repeated"),
        (",".join(["public=1:1", *(f"c{n}=1:1" for n in range(MOST_CLASSES))]), "at most 32 classes"),
    ],
)
def test_a_wrong_class_is_explained(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_classes(text)


def test_the_limits_of_classes_are_inclusive() -> None:
    text = ",".join([f"public=1:{MOST_POINTS}", *(f"c{n}=10:10" for n in range(MOST_CLASSES - 1))])
    assert len(read_classes(text)) == MOST_CLASSES
    assert len(read_keys(",".join(f"c:{n:064x}" for n in range(MOST_KEYS)))) == MOST_KEYS


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partner", "entry 1 is not valid"),
        (f"partner:{DIGEST[1:]}", "SHA-256"),
        (f"partner:{DIGEST.upper()}", "SHA-256"),
        (f"partner:{DIGEST},friend:{DIGEST}", "must have each key once"),
        (",".join(f"c:{n:064x}" for n in range(MOST_KEYS + 1)), "at most 1,000 keys"),
    ],
)
def test_a_wrong_key_is_explained(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_keys(text)


@pytest.mark.parametrize(
    ("roles", "name"),
    [
        ((), "public"),
        (("STUDENT",), "student"),
        (("INSTRUCTOR",), "student"),
        (("STUDENT", "STAFF"), "staff"),
        (("SOMETHING",), "public"),
    ],
)
def test_the_highest_role_decides_and_a_role_without_a_class_has_the_next_lower(
    roles: tuple[str, ...], name: str
) -> None:
    classes = {kind.name: kind for kind in read_classes("public=1:10,student=2:20,staff=3:30")}
    assert by_role(classes, frozenset(roles)).name == name


def test_settings_name_the_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_BUDGETS", "student=1:10")
    monkeypatch.setenv("LECTERN_CLIENT_KEYS", f"partner:{DIGEST[1:]}")
    with pytest.raises(SettingsError) as caught:
        load()
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["LECTERN_BUDGETS", "LECTERN_CLIENT_KEYS"]
    assert DIGEST[1:] not in str(caught.value)


def test_a_key_must_have_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_CLIENT_KEYS", f"partner:{DIGEST}")
    with pytest.raises(SettingsError, match="names the class `partner`, which LECTERN_BUDGETS doesn't have"):
        load()


def test_settings_are_read_from_files_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "budgets"
    file.write_text("public=1:10\n")
    monkeypatch.setenv("LECTERN_BUDGETS_FILE", str(file))
    assert [kind.name for kind in load().budgets] == ["public"]


def test_by_default_there_are_no_budgets() -> None:
    assert (Settings().budgets, Settings().client_keys) == ((), ())


def test_a_budget_that_is_too_small_for_a_sign_in_is_warned_of() -> None:
    classes = read_classes(f"public=50:200,student=1:{SIGN_IN - 1},staff=1:{SIGN_IN},partner=unlimited")
    public, student = about_sizes(classes)
    assert public == (
        "The budget public=50:200 is too small for a sign-in, which needs 461 points: "
        "choose a larger size in LECTERN_BUDGETS."
    )
    assert "student=1:460" in student


@pytest.mark.parametrize(
    ("left", "limit"),
    [(20_000, b"r=20000;t=0"), (19_999, b"r=19999;t=1"), (19_500, b"r=19500;t=1"), (0, b"r=0;t=40")],
)
def test_the_fields_say_what_is_left_and_when_the_budget_is_full(left: int, limit: bytes) -> None:
    (public,) = read_classes("public=500:20000")
    assert public.fields(left) == (
        (b"ratelimit-policy", b'"public";q=20000;w=40;qu="cost"'),
        (b"ratelimit", b'"public";' + limit),
    )


def test_what_could_be_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_CLIENT_KEYS", f"partner:{DIGEST}, a-key-in-plain-text")
    with pytest.raises(SettingsError) as refused:
        load()
    assert "entry 2 is not valid" in str(refused.value)
    assert "plain" not in str(refused.value)


def test_the_longest_name_of_a_class_is_told() -> None:
    assert read_classes("public=1:1," + "a" * 32 + "=1:1")[1].name == "a" * 32
    with pytest.raises(ValueError, match="up to 32 lower-case letters"):
        read_classes("public=1:1," + "a" * 33 + "=1:1")
