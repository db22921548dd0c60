"""Cross-origin requests: preflights, headers that expose an answer to a page, the log of refusals."""

import re
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import development
from app.http import CORS
from app.http.cors import HEADERS
from app.settings import Settings
from tests.http.conftest import running
from tests.http.requests import ANSWER, BODY, Serve, client, post

ORIGIN = "https://courses.example"
SENT = (  # by the clients of Apollo, urql and Relay, and by OpenTelemetry
    "apollo-require-preflight", "apollographql-client-name", "apollographql-client-version", "authorization",
    "content-type", "traceparent", "tracestate", "x-lectern-trace", "x-request-id",
)  # fmt: skip


async def preflight(
    url: str, origin: str = ORIGIN, *, headers: Sequence[str] = ("content-type",)
) -> httpx.Response:
    lines = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        *(("access-control-request-headers", line) for line in headers),
    ]
    async with client(url) as http:
        return await http.options("/graphql", headers=lines)


def allowed_headers(answer: httpx.Response) -> set[str]:
    return set(answer.headers["access-control-allow-headers"].split(", "))


def vary(answer: httpx.Response) -> set[str]:
    return set(answer.headers["vary"].split(", "))


@pytest.fixture
def url(serve: Serve) -> str:
    return serve(cors_origins=(ORIGIN, "http://a.example:*"), max_body_bytes=1000)


async def test_the_headers_of_common_clients_are_allowed(url: str) -> None:
    for lines in ([", ".join(SENT)], [",".join(SENT).title()], SENT):
        answer = await preflight(url, headers=lines)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert set(SENT) <= allowed_headers(answer)
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert int(answer.headers["access-control-max-age"]) > 0
        assert "origin" in vary(answer)
        assert answer.content == b""


async def test_any_origin_may_be_allowed(serve: Serve) -> None:
    url = serve(cors_origins=("*",))
    answer = await preflight(url, "null", headers=SENT)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    async with client(url) as http:
        answered = await post(http, BODY, ("origin", "https://b.example"))
    assert answered.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answered.headers


def test_the_documentation_names_the_headers() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"### Cross-origin calls.*?```\n(.*?)```", text, re.DOTALL)
    assert tuple(listed.split()) == HEADERS


async def test_a_setting_adds_headers(serve: Serve) -> None:
    url = serve(cors_origins=(ORIGIN,), cors_headers=("x-school",))
    assert {"x-school", *HEADERS} == allowed_headers(await preflight(url, headers=["x-school"]))
    assert "*" in allowed_headers(await preflight(serve(cors_origins=(ORIGIN,), cors_headers=("*",))))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (ORIGIN, True),
        ("http://a.example", True),
        ("http://a.example:5173", True),
        ("https://a.example:5173", False),
        ("https://courses.example:8443", False),
        ("http://courses.example", False),
        ("https://courses.example.evil.example", False),
        ("https://evil.example/https://courses.example", False),
        ("http://a.example:80:80", False),
        ("http://a.example:x", False),
        ("null", False),
        ("", False),
        ("*", False),
        ("http://a.example:*", False),
        ("x" * 30_000, False),
    ],
)
async def test_only_origins_in_the_settings_are_allowed(url: str, origin: str, allowed: bool) -> None:
    answer = await preflight(url, origin)
    assert answer.status_code == (204 if allowed else 403)
    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    async with client(url) as http:
        answered = await post(http, BODY, ("origin", origin))
    assert (answered.headers.get("access-control-allow-origin") == origin) is allowed
    assert answered.json() == ANSWER  # a browser hides it from the page; other clients may read it
    assert {"origin", "accept", "accept-encoding"} == vary(answered)


@pytest.mark.parametrize("second", [ORIGIN, "http://a.example", "https://evil.example"])
async def test_two_origins_are_not_allowed(url: str, second: str) -> None:
    for first, last in ((ORIGIN, second), (second, ORIGIN)):
        async with client(url) as http:
            answered = await post(http, BODY, ("origin", first), ("origin", last))
            preflighted = await http.options(
                "/graphql",
                headers=[("origin", first), ("origin", last), ("access-control-request-method", "POST")],
            )
        assert (answered.status_code, preflighted.status_code) == (200, 403)
        assert "access-control-allow-origin" not in answered.headers
        assert "access-control-allow-origin" not in preflighted.headers


def lines_of_pages(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of the log about pages. Another test's late line can be among the others."""
    return [line for line in capsys.readouterr().out.splitlines() if "a page" in line]


@pytest.mark.parametrize("origins", [(), (ORIGIN,)])
async def test_a_refused_preflight_names_the_setting(
    serve: Serve, capsys: pytest.CaptureFixture[str], origins: tuple[str, ...]
) -> None:
    url = serve(cors_origins=origins)
    capsys.readouterr()
    for _ in range(50):
        answer = await preflight(url, "http://localhost:5173")
    assert answer.status_code == 403
    assert "LECTERN_CORS_ORIGINS" in answer.text
    (line,) = lines_of_pages(capsys)
    assert "LECTERN_CORS_ORIGINS" in line
    assert "http://localhost:5173" in line


async def test_a_header_that_is_not_allowed_is_logged(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """The preflight succeeds, so that the browser reports the header to the page's author instead of a
    status.
    """
    url = serve(cors_origins=(ORIGIN,), max_body_bytes=1001)
    capsys.readouterr()
    for _ in range(50):
        answer = await preflight(url, headers=["x-school", "y" * 30_000])
    assert answer.status_code == 204
    assert "x-school" not in allowed_headers(answer)
    (line,) = lines_of_pages(capsys)
    assert "LECTERN_CORS_HEADERS" in line
    assert "x-school" in line


async def test_log_lines_are_short(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    await preflight(serve(max_body_bytes=1002), "x" * 30_000)
    assert len(capsys.readouterr().out) < 500


async def test_pages_can_read_refusals(url: str) -> None:
    async with client(url) as http:
        from_page = ("origin", ORIGIN)
        answers = [
            await post(http, BODY, from_page),
            await post(http, b"{", from_page),
            await post(http, BODY, from_page, ("authorization", "Bearer x")),
            await post(http, b"x" * 2_000, from_page),
            await post(http, BODY, from_page, content_type="text/plain"),
            await http.put("/graphql", headers=[from_page]),
            await http.get("/nowhere", headers=[from_page]),
            await http.get("/healthz", headers=[from_page]),
            await http.options("/graphql", headers=[from_page]),
        ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 413, 415, 405, 404, 200, 405]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert {"retry-after", "www-authenticate"} <= set(
            answer.headers["access-control-expose-headers"].split(", ")
        )
        assert "origin" in vary(answer)


async def test_pages_can_read_failures() -> None:
    async def fails(_: Request) -> Response:
        raise RuntimeError

    app = Starlette(routes=[Route("/", fails)])
    with running(CORS(app, (ORIGIN,), ())) as url:
        async with client(url) as http:
            answer = await http.get("/", headers={"origin": ORIGIN})
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_without_cors_no_answer_has_cors_headers(serve: Serve) -> None:
    async with client(serve()) as http:
        answer = await post(http, BODY, ("origin", ORIGIN))
    assert answer.json() == ANSWER
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert vary(answer) == {"accept", "accept-encoding"}


async def test_options_without_a_preflight_is_refused_like_other_methods(url: str) -> None:
    async with client(url) as http:
        for lines in ({}, {"origin": ORIGIN}, {"access-control-request-method": "POST"}):
            assert (await http.options("/graphql", headers=lines)).status_code == 405


# -- lectern dev -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("https://localhost", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("http://[::1]", True),
        (ORIGIN, True),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.2:3000", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
async def test_dev_allows_pages_on_this_machine(serve: Serve, origin: str, allowed: bool) -> None:
    told = development.origins(Settings.model_validate({"cors_origins": ORIGIN}))
    answer = await preflight(serve(cors_origins=told), origin, headers=SENT)
    assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (
        (204, origin) if allowed else (403, None)
    )


# -- the settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://a.example", "https://a.example"),
        ("HTTPS://A.Example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:8080", "http://a.example:8080"),
        ("http://localhost:*", "http://localhost:*"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("*", "*"),
    ],
)
def test_origins_are_normalised_to_what_browsers_send(given: str, kept: str) -> None:
    assert Settings.model_validate({"cors_origins": given}).cors_origins == (kept,)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("example.org", "`example.org` has no scheme"),
        ("localhost:5173", "has no scheme"),
        ("//example.org", "has no scheme"),
        ("https://a.example/", "ends with a slash"),
        ("https://a.example/app", "has a path"),
        ("https://a.example,https://b.example/", "`https://b.example/` ends with a slash"),
        ("https://a.example:port", "is not an origin"),
        ("https://", "is not an origin"),
        ("https://a.example?x", "is not an origin"),
        ("https://a.example https://b.example", "contains several origins: separate them with commas"),
        ("https://ann@a.example", "has a user name"),
        ("https://bücher.example", "Punycode"),
        ("https://*.example", "has a wildcard in its host"),
        ("https://*.a.example:*", "has a wildcard in its host"),
        ("null", "can be sent by any page"),
    ],
)
def test_an_invalid_origin_prevents_the_start(given: str, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"cors_origins": given})
    (wrong,) = refused.value.errors()
    assert wrong["loc"] == ("cors_origins",)
    assert told in wrong["msg"]
    assert "https://courses.example" in wrong["msg"]


@pytest.mark.parametrize("given", ["x school", "x-a, x:b", "x-ü", "X-A;X-B"])
def test_an_invalid_header_prevents_the_start(given: str) -> None:
    with pytest.raises(ValidationError, match="must be header names"):
        Settings.model_validate({"cors_headers": given})
