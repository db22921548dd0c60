import pytest

from app.importing.values import kind_of_place


@pytest.mark.parametrize(
    "place",
    [
        "Zoom", "Teams", "MS Teams", "Microsoft Teams meeting", "Online", "ONLINE", "Live online",
        "https://meet.google.com/abc", "https://teams.microsoft.com/l/a",
        "zoom.us/j/123?pwd=a", "Zoom: https://zoom.us/j/123", "via Webex",
        "Zoom Meeting ID 123 456", "Virtual classroom", "Google Meet", "Online: link will be sent", "Remote",
        "en ligne", "À distance", "En li\u0301nea", "zdalnie", "онлайн", "オンライン",
    ],
)  # fmt: skip
def test_a_place_that_can_only_be_online(place: str) -> None:
    assert kind_of_place(place) == "online"


@pytest.mark.parametrize(
    "place",
    [
        "Berlin", "Pune, Lab 2", "Room 5", "Offline", "Live Oak Hall", "Team room", "Zoomland", "St. Gallen",
        "https://maps.google.com/?q=Berlin", "https://goo.gl/maps/a", "https://mapy.cz/s/a", "5",
        "St.Gallen/Zürich", "Geb.Ost/R.12", "ul.Nowa/3",
    ],
)  # fmt: skip
def test_a_place_to_go_to(place: str) -> None:
    assert kind_of_place(place) == "onsite"


@pytest.mark.parametrize(
    "place",
    [
        "Room 5 / Zoom",
        "Berlin & online",
        "Teams Building",
        "Remote Sensing Lab",
        "Berlin https://example.org/a",
        "https://www.hotel.example.org",
    ],
)
def test_a_place_with_other_words_is_unclear(place: str) -> None:
    assert kind_of_place(place) == "unclear"
