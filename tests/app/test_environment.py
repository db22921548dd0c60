"""The names of the variables, secrets in files, and warnings about names."""

import os
from pathlib import Path

import pytest

from app.settings import UNPREFIXED, Settings, SettingsError, hand_over, load, variable, warnings

SECRET = "hunter2 " * 8


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes all settings from the environment."""
    old = {setting.upper() for setting in UNPREFIXED}
    for name in [name for name in os.environ if name.startswith("LECTERN_") or name in old]:
        monkeypatch.delenv(name)


def refused() -> str:
    with pytest.raises(SettingsError) as error:
        load()
    return str(error.value)


# -- Names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", sorted(UNPREFIXED))
def test_a_setting_is_read_from_its_name_and_from_its_old_name(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """A value that no setting can have shows which variables are read."""
    for name in (setting.upper(), f"LECTERN_{setting.upper()}"):
        monkeypatch.setenv(name, "\udcff")
        assert refused() == f"LECTERN_{setting.upper()} is not UTF-8 text."
        monkeypatch.delenv(name)


def test_names_that_had_the_prefix_are_as_before() -> None:
    assert variable("lectern_secret") == "LECTERN_SECRET"
    assert variable("max_cost") == "LECTERN_MAX_COST"


def test_a_setting_that_never_had_an_old_name_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV", "production")
    monkeypatch.setenv("SECRET", "short")
    assert load() == Settings()
    assert set(Settings.model_fields) >= UNPREFIXED


def test_old_names_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_URI", "mongodb://a/")
    monkeypatch.setenv("MAX_COST", "7")
    assert load().max_cost == 7
    assert warnings() == [
        "The names of settings begin with LECTERN_ now: rename MAX_COST to LECTERN_MAX_COST, "
        "MONGODB_URI to LECTERN_MONGODB_URI."
    ]


def test_the_new_name_overrides_the_old_one_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_COST", "7")
    monkeypatch.setenv("LECTERN_MAX_COST", "8")
    assert load().max_cost == 8
    assert warnings() == ["MAX_COST is ignored, because LECTERN_MAX_COST is set differently."]


def test_both_names_with_one_value_are_no_cause_for_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rolling upgrade sets both, for the old version and the new one."""
    monkeypatch.setenv("MAX_COST", "7")
    monkeypatch.setenv("LECTERN_MAX_COST", "7")
    assert load().max_cost == 7
    assert warnings() == []


def test_settings_handed_over_override_those_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_MAX_COST", "")
    monkeypatch.setenv("LECTERN_MAX_COST_FILE", "/nowhere")
    monkeypatch.setenv("MAX_COST", "7")
    hand_over({"max_cost": "9"})
    assert load().max_cost == 9


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("LECTERN_MAX_COSTS", "did you mean LECTERN_MAX_COST?"),
        ("LECTERN_MONGO_URL", "did you mean LECTERN_MONGODB_URI?"),
        ("LECTERN_SECRETS_FILE", "did you mean LECTERN_SECRET_FILE?"),
        ("lectern_max_cost", "did you mean LECTERN_MAX_COST?"),
    ],
)
def test_a_misspelt_name_is_told_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.setenv(name, "7")
    assert warnings() == [f"{name} is not a setting: {told}"]


def test_a_name_like_no_setting_is_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_XYZ", "7")
    assert warnings() == ["LECTERN_XYZ is not a setting."]


def test_what_kubernetes_sets_for_a_service_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for Services named `lectern` and `lectern-admin`, with a named port."""
    for service in ("LECTERN", "LECTERN_ADMIN", "LECTERN_MAX_COST"):
        monkeypatch.setenv(f"{service}_SERVICE_HOST", "10.0.0.1")
        monkeypatch.setenv(f"{service}_SERVICE_PORT", "8000")
        monkeypatch.setenv(f"{service}_SERVICE_PORT_HTTP", "8000")
        monkeypatch.setenv(f"{service}_PORT", "tcp://10.0.0.1:8000")
        monkeypatch.setenv(f"{service}_PORT_8000_TCP", "tcp://10.0.0.1:8000")
        monkeypatch.setenv(f"{service}_PORT_8000_TCP_PROTO", "tcp")
        monkeypatch.setenv(f"{service}_PORT_8000_TCP_PORT", "8000")
        monkeypatch.setenv(f"{service}_PORT_8000_TCP_ADDR", "10.0.0.1")
    assert warnings() == []
    monkeypatch.setenv("LECTERN_PORT", "8000")  # not set by Kubernetes
    assert warnings() == ["LECTERN_PORT is not a setting."]


def test_no_setting_has_a_name_that_kubernetes_sets() -> None:
    assert "port" not in Settings.model_fields
    assert not [name for name in Settings.model_fields if "service" in name or name.endswith("_file")]


# -- Files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contents", "value"),
    [
        (f"{SECRET}\n", SECRET),
        (f"{SECRET}\r\n", SECRET),
        (SECRET, SECRET),
        (f" {SECRET}\n\n", f" {SECRET}\n"),
        (f"{SECRET}é\n", f"{SECRET}é"),
        ("x" * 63_999 + "\n", "x" * 63_999),
    ],
)
def test_a_secret_is_read_from_a_file_without_the_last_line_break(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, contents: str, value: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(contents.encode())
    monkeypatch.setenv("LECTERN_SECRET_FILE", str(file))
    assert load().lectern_secret.get_secret_value() == value
    assert warnings() == []


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_any_setting_may_be_given_in_a_file(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(f"{variable(setting)}_FILE", "/nowhere")
    problem = f"can't be read from the file that {variable(setting)}_FILE names: No such file or directory."
    assert refused() == f"{variable(setting)} {problem}"
    assert warnings() == []


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"hunter2 \xff", "it is not UTF-8"),
        (b"x" * 64_001, "it has more than 64,000 bytes"),
    ],
)
def test_a_file_that_holds_no_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, contents: bytes, problem: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(contents)
    monkeypatch.setenv("LECTERN_SECRET_FILE", str(file))
    assert (
        refused() == f"LECTERN_SECRET can't be read from the file that LECTERN_SECRET_FILE names: {problem}."
    )


def test_what_is_not_a_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path, tmp_path / "pipe"):
        monkeypatch.setenv("LECTERN_SECRET_FILE", str(file))
        assert refused().endswith("names: it is not a regular file.")
    monkeypatch.setenv("LECTERN_SECRET_FILE", str(tmp_path / ("x" * 300)))
    assert refused().endswith("names: File name too long.")


def test_a_secret_in_place_of_its_path_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_SECRET_FILE", SECRET)
    assert "hunter2" not in refused()


def test_a_value_and_a_file_together_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LECTERN_SECRET", SECRET)
    monkeypatch.setenv("LECTERN_SECRET_FILE", str(tmp_path))
    assert refused() == "LECTERN_SECRET and LECTERN_SECRET_FILE are both set: set only one of them."


def test_an_empty_variable_beside_the_other_is_as_if_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Compose sets `LECTERN_SECRET=${SECRET:-}` to nothing."""
    (tmp_path / "secret").write_text(SECRET)
    monkeypatch.setenv("LECTERN_SECRET", "")
    monkeypatch.setenv("LECTERN_SECRET_FILE", str(tmp_path / "secret"))
    assert load().lectern_secret.get_secret_value() == SECRET
    monkeypatch.setenv("LECTERN_SECRET", SECRET + "!")
    monkeypatch.setenv("LECTERN_SECRET_FILE", "")
    assert load().lectern_secret.get_secret_value() == SECRET + "!"


def test_a_file_overrides_the_old_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "uri").write_text("mongodb://b/\n")
    monkeypatch.setenv("MONGODB_URI", "mongodb://a/")
    monkeypatch.setenv("LECTERN_MONGODB_URI_FILE", str(tmp_path / "uri"))
    assert load().mongodb_uri.get_secret_value() == "mongodb://b/"
    assert warnings() == ["MONGODB_URI is ignored, because LECTERN_MONGODB_URI is set differently."]


def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_MONGODB_URI_FILE", "/nowhere")
    monkeypatch.setenv("LECTERN_SECRET", "hunter2")
    monkeypatch.setenv("LECTERN_MAX_COST", "abc")
    monkeypatch.setenv("MAX_DEPTH", "-1")
    assert [line.split()[0] for line in refused().splitlines()] == [
        "LECTERN_MONGODB_URI",
        "LECTERN_SECRET",
        "LECTERN_MAX_DEPTH",
        "LECTERN_MAX_COST",
    ]
    assert "hunter2" not in refused()
