"""How far MongoDB has got with the indexes that it is building."""

import re
from typing import NamedTuple

from pymongo.errors import OperationFailure

from loaders.mongo import UNAUTHORIZED, Database

#: Matches a message such as "Index Build: scanning collection Index Build: scanning collection: 3/9 33%".
_PHASE = re.compile(r"Index Build: (.*?)(?:$|:| Index Build)")


class BuildProgress(NamedTuple):
    """phase: what MongoDB is doing. done, total: documents or keys; 0 if the phase doesn't count any."""

    phase: str
    done: int
    total: int


async def build_progress(database: Database, collection: str) -> BuildProgress | None:
    """Returns the progress of the build in a collection.

    Returns None if there is no build, or the MongoDB user has no right to see it (the privilege inprog).
    """
    query = {"ns": f"{database.name}.{collection}", "msg": {"$regex": "^Index Build"}}
    pipeline = [{"$currentOp": {"allUsers": True}}, {"$match": query}]
    try:
        reply = await database.client.admin.command({"aggregate": 1, "pipeline": pipeline, "cursor": {}})
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return None
    for operation in reply["cursor"]["firstBatch"]:
        counted, phase = operation.get("progress", {}), _PHASE.match(operation["msg"])
        return BuildProgress(phase[1] if phase else "", counted.get("done", 0), counted.get("total", 0))
    return None
