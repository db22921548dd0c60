"""GraphiQL for browsers: the page, its assets, and the headers that confine both to this origin.

`web/build.py` builds `static/` from `web/`, and the wheel contains `static/`. Nothing is loaded from other
hosts.
"""

from collections.abc import Mapping
from os import PathLike, fspath, stat_result
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.http import compression, decoding

STATIC = Path(__file__).parents[1] / "static"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",  # Monaco runs its language services in web workers
        "connect-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",  # Monaco underlines errors with an SVG in a data: URL
        "style-src 'self' 'unsafe-inline'",  # Monaco uses <style> for its theme and style="" on each line
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)

SECURITY_HEADERS: Mapping[str, str] = {
    # The policy is sent with scripts too, because a web worker obeys the policy sent with its own script.
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",  # a page that opens GraphiQL gets no reference to it
}

# Declared here because, with `nosniff`, a browser relies entirely on a script's declared type, and the
# operating system's table of media types might be incomplete or modified by another program.
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}

GZIPPED = ".gz"  # the suffix of the compressed copy of an asset

NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Lectern: GraphiQL is not built</title>
<h1>GraphiQL is not built yet</h1>
<p>The gateway runs, and its API answers at <code>/graphql</code>.
To get this page, run <code>make setup</code> in the checkout and reload.</p>
</html>
"""


def page(static_dir: Path = STATIC) -> Response:
    """Returns GraphiQL's page, read from disk each time, or a 503 page that explains how to build it."""
    try:
        html, status = (static_dir / "index.html").read_text(encoding="utf-8"), 200
    except FileNotFoundError:
        html, status = NOT_BUILT, 503
    return HTMLResponse(html, status, {**SECURITY_HEADERS, "cache-control": "no-cache"})


def graphiql_routes(static_dir: Path = STATIC) -> list[BaseRoute]:
    """Returns the routes `/` and `/assets/...`. The endpoint itself serves GraphiQL at `/graphql`."""

    async def index(_request: Request) -> Response:
        return page(static_dir)

    assets = Assets(directory=static_dir / "assets", check_dir=False)
    return [
        Route("/", index, name="graphiql"),
        Mount("/assets", assets, name="assets"),
    ]


class Assets(StaticFiles):
    """Serves files whose names contain a hash of their contents, so that browsers can cache them forever.

    The files are compressed at build time, because compressing them on request would take 0.2 s of CPU time
    per page.
    """

    async def check_config(self) -> None:
        """Accepts a missing directory, because GraphiQL might not be built yet. Requests then get a 404."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        path = Path(fspath(full_path))
        gzipped = path.with_name(path.name + GZIPPED)
        is_gzipped = compression.is_accepted(decoding.headers(scope)) and gzipped.is_file()
        if is_gzipped:
            response = super().file_response(gzipped, gzipped.stat(), scope, status_code)
            response.headers["content-encoding"] = "gzip"
        else:
            response = super().file_response(path, stat_result, scope, status_code)
        response.headers.update(SECURITY_HEADERS)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        response.headers["vary"] = "accept-encoding"
        if media_type := MEDIA_TYPES.get(path.suffix):
            response.headers["content-type"] = media_type
        return response
