"""GraphiQL: its page over HTTP, its example queries, and the page in a real browser.

The browser reaches the gateway and no other host.
"""

import gzip
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import ConsoleMessage, Error, Page, Request, async_playwright, expect
from starlette.applications import Starlette

from app.http import graphiql
from tests.support import missing

# No deadline: the speed of a browser depends on the machine.
expect.set_options(timeout=30_000)

EXAMPLES = sorted((Path(__file__).parents[2] / "web" / "src" / "examples").glob("*.graphql"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OFFLINE = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
RECORD_VIOLATIONS = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective}: ${event.blockedURI}`));
"""


@pytest.fixture
def built() -> None:
    if not (graphiql.STATIC / "index.html").is_file():
        missing("GraphiQL is not built: run `make setup`")


# -- over HTTP ---------------------------------------------------------------------------------------------


def client(static_dir: Path) -> httpx.AsyncClient:
    app = Starlette(routes=graphiql.graphiql_routes(static_dir))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lectern")


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    """A build of GraphiQL with one asset."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Lectern</title>", encoding="utf-8")
    (tmp_path / "assets" / "main-1a2b3c.js").write_text("// " + "x" * 2000, encoding="utf-8")
    (tmp_path / "assets" / "font-4d5e6f.woff2").write_bytes(b"wOF2")
    return tmp_path


async def test_the_page_is_revalidated_each_time(static_dir: Path) -> None:
    async with client(static_dir) as http:
        answer = await http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text == "<title>Lectern</title>"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/assets/main-1a2b3c.js", "text/javascript; charset=utf-8"),
        ("/assets/font-4d5e6f.woff2", "font/woff2"),
    ],
)
async def test_assets_are_cached_forever(static_dir: Path, path: str, media_type: str) -> None:
    async with client(static_dir) as http:
        answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("accepted", ["gzip", "gzip;q=0", "br", ""])
async def test_scripts_are_compressed_for_clients_that_accept_it(static_dir: Path, accepted: str) -> None:
    script = static_dir / "assets" / "main-1a2b3c.js"
    script.with_name("main-1a2b3c.js.gz").write_bytes(gzip.compress(script.read_bytes()))
    async with client(static_dir) as http:
        answer = await http.get("/assets/main-1a2b3c.js", headers={"accept-encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is (accepted == "gzip")
    assert (int(answer.headers["content-length"]) < 100) is (accepted == "gzip")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.content == script.read_bytes()


@pytest.mark.usefixtures("built")
def test_built_scripts_are_compressed() -> None:
    for path in (graphiql.STATIC / "assets").glob("*.[jc]s*"):
        if path.suffix != graphiql.GZIPPED:
            assert (
                gzip.decompress(path.with_name(path.name + graphiql.GZIPPED).read_bytes())
                == path.read_bytes()
            )


@pytest.mark.parametrize("path", ["/", "/assets/main-1a2b3c.js"])
async def test_security_headers(static_dir: Path, path: str) -> None:
    async with client(static_dir) as http:
        answer = await http.get(path)
    assert answer.headers["content-security-policy"] == graphiql.CONTENT_SECURITY_POLICY
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_policy_allows_no_other_origin() -> None:
    policy = dict(part.split(" ", 1) for part in graphiql.CONTENT_SECURITY_POLICY.split("; "))
    extras = {name: sources for name, sources in policy.items() if sources not in {"'self'", "'none'"}}
    assert policy["default-src"] == "'none'"
    assert extras == {"style-src": "'self' 'unsafe-inline'", "img-src": "'self' data:"}


@pytest.mark.parametrize("path", ["/assets/other.js", "/assets/%2e%2e/index.html", "/index.html"])
async def test_unknown_assets_are_not_found(static_dir: Path, path: str) -> None:
    async with client(static_dir) as http:
        assert (await http.get(path)).status_code == 404


async def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    async with client(tmp_path / "nowhere") as http:
        page, asset = await http.get("/"), await http.get("/assets/main.js")
    assert page.status_code == 503
    assert "make setup" in page.text
    assert asset.status_code == 404


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("path", ["/", "/graphql"])
async def test_gateway_serves_the_page_to_browsers(gateway_url: str, path: str) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    async with httpx.AsyncClient(base_url=gateway_url) as http:
        answer = await http.get(path, headers={"accept": accept})
    assert answer.status_code == 200
    assert "<title>Lectern</title>" in answer.text
    assert answer.headers["content-security-policy"] == graphiql.CONTENT_SECURITY_POLICY


# -- the examples ------------------------------------------------------------------------------------------


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


def request_body(example: Path) -> dict[str, Any]:
    variables = example.with_suffix(".json")
    return {
        "query": example.read_text(encoding="utf-8"),
        "variables": json.loads(variables.read_text(encoding="utf-8")) if variables.is_file() else None,
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_each_example_returns_data(gateway_url: str, example: Path) -> None:
    async with httpx.AsyncClient(base_url=gateway_url) as http:
        answer = (await http.post("/graphql", json=request_body(example))).json()
    assert "errors" not in answer, answer["errors"]
    shown = next(iter(answer["data"].values()))
    assert shown is not None
    assert shown.get("nodes", ["a single object"]), "the sample data has nothing for this example"


# -- in a browser ------------------------------------------------------------------------------------------


class Watch:
    """Records what a page does that it must not do."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.complaints: list[str] = []
        page.on("console", self.on_console)
        page.on("pageerror", self.on_error)
        page.on("request", self.on_request)
        page.on("requestfailed", self.on_failure)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console {message.type}: {message.text}")

    def on_error(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def on_failure(self, request: Request) -> None:
        # A frame that hasn't loaded yet when somebody moves on is no failure.
        if not (request.is_navigation_request() and request.failure == "net::ERR_ABORTED"):
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def on_request(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            self.complaints.append(f"request elsewhere: {request.url[:200]}")

    async def all(self) -> list[str]:
        violations: list[Any] = await self.page.evaluate("window.violations")
        return [*self.complaints, *(f"policy: {violation}" for violation in violations)]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of a Chromium that reaches only 127.0.0.1."""
    if CHROMIUM is None:
        missing("no Chromium on the PATH (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        try:
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            await page.add_init_script(RECORD_VIOLATIONS)
            yield page
        finally:
            await browser.close()


@pytest.mark.usefixtures("built")
async def test_runs_a_query_with_the_network_off(gateway_url: str, page: Page) -> None:
    watch = Watch(page, gateway_url.rstrip("/"))
    await page.goto(gateway_url)
    assert await page.title() == "Lectern"
    await expect(page.locator(".graphiql-tab-button")).to_have_count(len(EXAMPLES))

    await page.locator(".graphiql-query-editor .view-lines").click()
    await page.keyboard.press("Control+Enter")
    result = page.locator(".result-window .view-lines")
    await expect(result).to_contain_text('"totalCount"')
    await expect(result).to_contain_text('"average"')
    await expect(result).not_to_contain_text('"errors"')

    await page.get_by_label("Show Documentation Explorer").click()
    await expect(page.locator(".graphiql-plugin")).to_contain_text("CourseConnection")
    assert await watch.all() == []


@pytest.mark.usefixtures("built")
async def test_marks_a_mistake_and_reaches_every_tab(gateway_url: str, page: Page) -> None:
    watch = Watch(page, gateway_url.rstrip("/"))
    await page.goto(gateway_url)
    await page.locator(".graphiql-query-editor .view-lines").click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("\nquery Wrong { noSuchField }")
    await expect(page.locator(".graphiql-query-editor .squiggly-error").first).to_be_visible()

    # With two operations the button opens a menu. The previous tab's menu stays until the text is read.
    execute = page.get_by_label("Execute query")
    await expect(execute).to_have_attribute("aria-haspopup", "menu")
    tabs = page.locator(".graphiql-tab-button")  # the editor is scrolled: it must not cover them
    await tabs.last.click()
    await expect(execute).not_to_have_attribute("aria-haspopup", "menu")
    await execute.click()
    await expect(page.locator(".result-window .view-lines")).to_contain_text('"nodes"')
    assert await watch.all() == []
