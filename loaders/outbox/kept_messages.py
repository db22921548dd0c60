"""Messages that are kept for a page instead of being sent, for development."""

from datetime import datetime
from typing import TypedDict, cast

from bson import ObjectId

from loaders.mongo import Database, find, find_one, send
from loaders.outbox.entry import MessageKind

_COLLECTION = "devMail"
MOST_KEPT = 200


class KeptMessageDoc(TypedDict):
    """A message as it would have been sent. Its `_id` is that of its entry in the outbox."""

    _id: ObjectId
    at: datetime
    kind: MessageKind
    language: str
    sender: str
    address: str
    subject: str
    plain: str
    html: str | None
    link: str | None


async def keep(database: Database, message: KeptMessageDoc) -> None:
    """Keeps a message, and deletes the oldest if there are more than MOST_KEPT."""
    collection, key = database[_COLLECTION], {"_id": message["_id"]}
    await send(collection, "update", lambda target: target.replace_one(key, message, upsert=True))
    newest = {"sort": [("at", -1)], "skip": MOST_KEPT - 1, "limit": 1}
    if last := await find(collection, {}, size=1, projection={"at": 1}, **newest):
        query = {"at": {"$lt": last[0]["at"]}}
        await send(collection, "delete", lambda target: target.delete_many(query))


async def kept(database: Database) -> list[KeptMessageDoc]:
    """Returns all kept messages, the newest first, without their contents."""
    shown = {"plain": 0, "html": 0}
    found = await find(database[_COLLECTION], {}, size=MOST_KEPT, projection=shown, sort=[("at", -1)])
    return cast("list[KeptMessageDoc]", found)


async def kept_message(database: Database, id: ObjectId) -> KeptMessageDoc | None:
    return cast("KeptMessageDoc | None", await find_one(database[_COLLECTION], {"_id": id}))
