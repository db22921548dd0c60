"""URLs that a file gives, and those that a page must not show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.texts import image_url, url
from loaders.model import url_problem


@pytest.mark.parametrize(
    "value",
    [
        "https://example.org", "https://example.org/", "http://example.org:8080/a?b=c#d", "HTTPS://EXAMPLE.ORG/",
        "https://пример.example/курс", "https://[2001:db8::1]/x", "https://example.org/a(b)'c',d;e=f~",
        "https://a.example/https://b.example/x.png", "https://example.org?x", "https://example.org/%20",
        "https://example.org:65535/",
    ],
)  # fmt: skip
def test_urls(value: str) -> None:
    assert url(f"  {value}\n") == value


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)", "java\nscript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
        "vbscript:x",
        "//example.org/x", "/courses/1", "example.org", "www.example.org/x", "https:/example.org", "https://",
        "https://user@example.org/", "https://user:pw@example.org/", "https://example.org@evil.example/",
        "https://example.org\\@evil.example/", "https://exa mple.org/", "https://example.org/a b",
        "https://example.org/<script>", 'https://example.org/"onerror="x', "https://example.org/\u202egpj.exe",
        "https://example.org/\u200b", "https://a.example/1, https://a.example/2", "ftp://example.org/x",
        "https://?x", "https://example.org:99999999/", "https://example.org:65536/", "https://example.org:٨٠/",
        5, True,
    ],
)  # fmt: skip
def test_no_urls(value: object) -> None:
    for read in (url, image_url):
        with pytest.raises(ValueError, match=r"^is not a URL with http:// or https://$"):
            read(value)


def test_a_picture_has_https() -> None:
    assert image_url("https://example.org/a.png") == "https://example.org/a.png"
    with pytest.raises(ValueError, match=r"^is not an https URL$"):
        image_url("http://example.org/a.png")


def test_a_url_has_a_length() -> None:
    longest = "https://example.org/".ljust(2_000, "a")
    assert url(longest) == longest
    for long in (f"{longest}a", "https://" + "a" * 1_000_000):
        with pytest.raises(ValueError, match=r"^is longer than 2,000 characters$"):
            url(long)


@given(st.text(), st.booleans())
def test_what_is_shown_begins_with_its_scheme_and_has_no_blank(text: str, https_only: bool) -> None:
    for value in (text, f"https://{text}"):
        if url_problem(value, https_only=https_only) is None:
            assert value.lower().startswith("https://" if https_only else "http")
            assert not set(value) & set(' \t\n<>"\\')
