import pytest

from app.importing.values import enums


@pytest.mark.parametrize(
    ("value", "modes"),
    [
        ("Online and Offline", ["ONLINE", "ONSITE"]),
        ("Online & Class Room", ["ONLINE", "ONSITE"]),
        ("offline", ["ONSITE"]),
        ("Blended", ["ONLINE", "ONSITE"]),
        ("hybrid", ["ONLINE", "ONSITE"]),
        ("on-line", ["ONLINE"]),
        ("In-person", ["ONSITE"]),
        ("classroom", ["ONSITE"]),
        (["ONLINE"], ["ONLINE"]),
        ("Self paced", ["ONLINE"]),
        ("ONSITE", ["ONSITE"]),
        ("IN_PERSON", ["ONSITE"]),
        ("Zoom", ["ONLINE"]),
        ("Virtual classroom", ["ONLINE"]),
        (["virtual", "classroom"], ["ONLINE", "ONSITE"]),
        ("zdalnie", ["ONLINE"]),
        ("stacjonarnie", ["ONSITE"]),
        ("En pre\u0301sentiel", ["ONSITE"]),
        ("Präsenz und online", ["ONLINE", "ONSITE"]),
        ("semipresencial", ["ONLINE", "ONSITE"]),
        ("дистанционно", ["ONLINE"]),
    ],
)
def test_modes(value: object, modes: list[str]) -> None:
    assert enums.modes(value) == modes


@pytest.mark.parametrize("value", ["whatever", "niestacjonarnie", "заочно", "onlooker"])
def test_not_a_delivery_mode(value: str) -> None:
    with pytest.raises(ValueError, match="does not name a delivery mode"):
        enums.modes(value)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("Beginner", "BEGINNER"),
        ("Introductory", "BEGINNER"),
        ("intermediate level", "INTERMEDIATE"),
        ("Preintermediate", "INTERMEDIATE"),
        ("Advanced", "ADVANCED"),
        ("All Levels", "ALL_LEVELS"),
        ("Mixed", "ALL_LEVELS"),
        ("ALL_LEVELS", "ALL_LEVELS"),
        ("Beginner to Advanced", "ALL_LEVELS"),
        ("Anfänger", "BEGINNER"),
        ("podstawowy", "BEGINNER"),
        ("débutant", "BEGINNER"),
        ("intermedio", "INTERMEDIATE"),
        ("mírně pokročilý", "INTERMEDIATE"),
        ("pokročilý", "ADVANCED"),
        ("продвинутый", "ADVANCED"),
        ("Avançado", "ADVANCED"),
        ("Tous niveaux", "ALL_LEVELS"),
        ("alle niveaus", "ALL_LEVELS"),
    ],
)
def test_level(value: str, level: str) -> None:
    assert enums.level(value) == level


def test_boolean() -> None:
    assert [enums.boolean(v) for v in (True, "yes", 1, "False", "0")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="neither"):
        enums.boolean("perhaps")
