"""What the person of these tests writes, and where it is found."""

from collections.abc import Iterator
from typing import Any

import httpx

from loaders.mongo import Database

#: A part of every text that the person writes.
MARKER = "zq7marker"
#: Values that nobody else writes, for the fields that don't take any text.
RARE = {"AQ", "1901-3", 13.25}
#: A field that takes only the numbers from 1 to 5: nobody else writes it in these tests.
NUMBERS = {"difficulty"}
#: The network address of the person.
ADDRESS = "203.0.113.77"

EMAIL, NEW_EMAIL, PASSWORD = f"{MARKER}@example.org", f"new{MARKER}@example.org", f"{MARKER} horse battery"


def is_marked(value: Any) -> bool:
    """Returns whether a value is one of the person's."""
    if isinstance(value, str | bytes):
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        return value in RARE or MARKER in text.lower() or ADDRESS in text
    return isinstance(value, float | int) and value in RARE


def marked(value: Any, path: str = "") -> Iterator[str]:
    """Yields the paths of the person's values in a document."""
    if isinstance(value, dict):
        for key, item in value.items():
            if is_marked(key) or (key in NUMBERS and isinstance(item, int)):
                yield f"{path}.{key}"
            yield from marked(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from marked(item, path)
    elif is_marked(value):
        yield path


async def found(database: Database) -> set[str]:
    """The paths in all collections at which something of the person's is found."""
    names = await database.driver.list_collection_names()
    return {
        f"{name}{path}"
        for name in names
        for document in await database[name].find().to_list(None)
        for path in marked(document)
    }


async def collections(database: Database) -> set[str]:
    """The collections in which something of the person's is found."""
    return {path.partition(".")[0] for path in await found(database)}


async def on_mail_pages(url: str) -> bool:
    """Returns whether something of the person's is on a page of the messages that weren't sent."""
    async with httpx.AsyncClient(base_url=url) as http:
        page = await http.get("/dev/mail")
        links = {part.partition('"')[0] for part in page.text.split('href="/dev/mail/')[1:]}
        pages = [await http.get(f"/dev/mail/{link}") for link in links if "." not in link]
        pages += [await http.get(f"/dev/mail/{link}/html") for link in links if "." not in link]
    return any(is_marked(one.text) for one in [page, *pages])
