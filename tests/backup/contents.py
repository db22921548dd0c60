"""What a database contains, to be compared."""

from bson import CodecOptions
from bson.raw_bson import RawBSONDocument

from loaders.mongo import Database

_RAW = CodecOptions(document_class=RawBSONDocument)


async def documents(database: Database) -> dict[str, list[bytes]]:
    """The documents of every collection that has any, byte for byte, in a fixed order."""
    found = {}
    for name in await database.driver.list_collection_names():
        raw = database[name].with_options(codec_options=_RAW).find()
        if stored := [bytes(document.raw) async for document in raw]:
            found[name] = sorted(stored)
    return found


async def all_indexes(database: Database) -> dict[str, object]:
    """The indexes of every collection that has any besides that of `_id`."""
    names = await database.driver.list_collection_names()
    found = {name: await database[name].index_information() for name in names}
    return {name: own for name, own in found.items() if len(own) > 1}
