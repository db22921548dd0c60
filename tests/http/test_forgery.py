"""Forged requests: what pages of other sites can make a browser send, and that none of it is run."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.async_api import Page, async_playwright

from app.main import create_app
from app.observing import Listener, Record
from app.settings import Settings
from tests.app.test_graphiql import CHROMIUM, OFFLINE
from tests.http.conftest import running
from tests.http.requests import ANSWER, BODY, QUERY, Serve, client, error, post
from tests.support import missing

ORIGIN = "https://courses.example"
FOREIGN = "https://evil.example"


@pytest.fixture
async def http(serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    async with client(serve(cors_origins=(ORIGIN, "http://a.example:*"))) as http:
        http.headers["accept"] = "application/json"
        yield http


# -- POST --------------------------------------------------------------------------------------------------

SIMPLE = (  # what a page can send without asking (https://fetch.spec.whatwg.org/#cors-safelisted-request-header)
    "text/plain",
    "text/plain;charset=utf-8",
    "TEXT/PLAIN",
    "text/plain; application/json",
    "text/plain;,application/json",
    "text/plain ; a=application/json",
    'text/plain; a="; application/json"',
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=application/json",
    "",
)


@pytest.mark.parametrize("content_type", SIMPLE)
async def test_a_post_that_needs_no_preflight_is_refused(http: httpx.AsyncClient, content_type: str) -> None:
    for body in (
        BODY,
        b"",
        b"query=%7B__typename%7D",
        b'{"query": "mutation { __typename }"}',
    ):
        status, code, message = error(await post(http, body, content_type=content_type))
        assert (status, code) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert "`Content-Type: application/json`" in message


async def test_a_post_without_a_content_type_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", content=BODY)
    assert "content-type" not in answer.request.headers
    assert error(answer)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("header", ["apollo-require-preflight", "graphql-preflight", "x-requested-with"])
async def test_a_header_does_not_replace_the_content_type(http: httpx.AsyncClient, header: str) -> None:
    """There is no upload and no form, so nothing but JSON could be read."""
    answer = await post(http, BODY, (header, "1"), content_type="text/plain")
    assert error(answer)[0] == 415


async def test_several_content_types_are_refused(http: httpx.AsyncClient) -> None:
    for first, second in (("application/json", "text/plain"), ("text/plain", "application/json")):
        answer = await post(http, BODY, ("content-type", second), content_type=first)
        assert error(answer)[0] == 415
        answer = await post(http, BODY, content_type=f"{first}, {second}")
        assert error(answer)[0] == 415


async def test_a_post_from_a_page_of_this_origin_is_run(http: httpx.AsyncClient) -> None:
    own = [("origin", "http://lectern.example"), ("sec-fetch-site", "same-origin")]
    assert (await post(http, BODY, *own)).json() == ANSWER


# -- GET ---------------------------------------------------------------------------------------------------

BROWSERS = {  # what a browser sends, and whether the query is run
    "no browser": ({}, True),
    "the user": (
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        True,
    ),
    "a page of this origin": ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, True),
    "a link": (
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        True,
    ),
    "an allowed page": ({"origin": ORIGIN, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, True),
    "an allowed page, any port": ({"origin": "http://a.example:1", "sec-fetch-site": "same-site"}, True),
    "an allowed page in an old browser": ({"origin": ORIGIN}, True),
    "a foreign page": ({"origin": FOREIGN, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, False),
    "a foreign page in an old browser": ({"origin": FOREIGN}, False),
    "a sandboxed frame": ({"origin": "null", "sec-fetch-site": "cross-site"}, False),
    "an image": (
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        False,
    ),
    "a sibling's script": ({"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}, False),
    "a frame": (
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        False,
    ),
    "an unknown site": ({"sec-fetch-site": "SAME-ORIGIN"}, False),
    "an empty origin": ({"origin": ""}, False),
}


@pytest.mark.parametrize(("headers", "runs"), BROWSERS.values(), ids=BROWSERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
async def test_a_get_is_run_if_its_page_may_read_the_answer(
    http: httpx.AsyncClient, headers: dict[str, str], runs: bool, method: str, path: str
) -> None:
    answer = await http.request(method, path, params={"query": QUERY}, headers=headers)
    assert answer.status_code == (200 if runs else 403)
    if method == "GET":
        if runs:
            assert answer.json() == ANSWER
        else:
            assert error(answer)[1] == "CROSS_SITE_REQUEST"
            assert error(answer)[2] == (
                "A page of another origin sent this query, and may not call the API: allow its origin in "
                "LECTERN_CORS_ORIGINS."
            )
            assert "access-control-allow-origin" not in answer.headers


async def test_two_lines_of_one_header_are_foreign(http: httpx.AsyncClient) -> None:
    for name, value in (("sec-fetch-site", "same-origin"), ("origin", ORIGIN)):
        answer = await http.get("/graphql", params={"query": QUERY}, headers=[(name, value), (name, value)])
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "header", ["apollo-require-preflight", "graphql-preflight", "x-apollo-operation-name"]
)
async def test_a_header_that_needs_a_preflight_is_enough(http: httpx.AsyncClient, header: str) -> None:
    headers = {"origin": FOREIGN, "sec-fetch-site": "cross-site", header: ""}
    answer = await http.get("/graphql", params={"query": QUERY}, headers=headers)
    assert answer.json() == ANSWER


async def test_if_any_origin_is_allowed_nothing_is_foreign(serve: Serve) -> None:
    async with client(serve(cors_origins=("*",))) as http:
        for headers, _ in BROWSERS.values():
            answer = await http.get("/graphql", params={"query": QUERY}, headers=headers)
            assert answer.json() == ANSWER


async def test_mutations_need_post_whoever_asks(http: httpx.AsyncClient) -> None:
    params = {"query": "mutation { __typename }"}
    for headers, runs in BROWSERS.values():
        answer = await http.get("/graphql", params=params, headers=headers)
        assert answer.status_code == (405 if runs else 403)


# -- a real browser ----------------------------------------------------------------------------------------

PAGE = """<!doctype html><title>evil</title><body><script>
const url = "GATEWAY/graphql", query = "?query=%7B__typename%7D", json = '{"query": "{ __typename }"}';
const post = (body, more) => fetch(url, {method: "POST", body, ...more}), simple = {mode: "no-cors"};
const sent = [
  ["fetch", () => fetch(url + query)],
  ["fetch without cors", () => fetch(url + query, simple)],
  ["fetch with a type", () => post(json, {headers: {"content-type": "application/json"}})],
  ["fetch with a header", () => fetch(url + query, {headers: {"apollo-require-preflight": "1"}})],
  ["text", () => post(json, simple)],
  ["beacon", () => navigator.sendBeacon(url, new Blob([json], {type: "text/plain"}))],
  ["form", () => post(new URLSearchParams({query: "{__typename}"}), simple)],
  ["multipart", () => {
    const form = new FormData();
    form.set("query", "{__typename}");
    return post(form, simple);
  }],
];
for (const tag of ["img", "script", "iframe", "embed"])
  sent.push([tag, () => new Promise((done) => {
    const element = document.createElement(tag);
    element.onload = element.onerror = done;
    element.src = url + query;
    document.body.append(element);
  })]);
window.attack = async () => {
  const readable = [];
  for (const [name, send] of sent)
    try {
      if ((await send())?.ok) readable.push(name);
    } catch { }
  return readable;
};
</script>"""


class Handler(BaseHTTPRequestHandler):
    """Serves a page."""

    def __init__(self, page: bytes, *arguments: object) -> None:
        self.page = page
        super().__init__(*arguments)  # type: ignore[arg-type] # what the server passes

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None: ...


class Statuses(Listener):
    """Counts the requests of a gateway by method and status."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, int]] = Counter()

    def request_ended(self, record: Record) -> None:
        self.counted[record.method, record.status] += 1


@pytest.fixture
def statuses() -> Statuses:
    return Statuses()


@pytest.fixture
def evil(settings: Settings, statuses: Statuses) -> Iterator[str]:
    """A page of another site than the gateway: `localhost` and `127.0.0.1` are two."""
    allowed = settings.model_copy(update={"cors_origins": (ORIGIN,)})
    with running(create_app(allowed, statuses)) as gateway:
        page = PAGE.replace("GATEWAY", gateway).encode()
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, page)) as server:
            threading.Thread(target=server.serve_forever).start()
            yield f"http://localhost:{server.server_port}/"
            server.shutdown()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    if CHROMIUM is None:
        missing("no Chromium on the PATH (Debian: apt-get install chromium)")
    local = (*OFFLINE[:-1], "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=local)
        yield await browser.new_page()
        await browser.close()


async def test_nothing_that_a_foreign_page_sends_is_run(statuses: Statuses, evil: str, page: Page) -> None:
    await page.goto(evil)
    assert await page.evaluate("attack()") == []
    async with asyncio.timeout(30):
        while statuses.counted.total() < 10:  # noqa: ASYNC110 # the page can't wait for its beacon
            await asyncio.sleep(0.05)
    # Those with a JSON type or a header of their own were refused as preflight requests.
    assert statuses.counted == {("GET", 403): 6, ("POST", 415): 4}
