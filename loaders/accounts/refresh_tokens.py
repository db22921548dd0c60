"""The rules of refresh tokens: which are valid, which uses are retries or races, and which betray a theft.

Each token of a session has a generation number. A valid token is the end of a branch; when it is used, the
new token takes its place. Usually a session has one branch. If two tabs of a browser use the same token at
the same time, both get a token of their own, and the session has two branches from then on.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from loaders.model import BranchDoc, SessionDoc, UsedTokenDoc
from loaders.mongo import utc

#: How long a used token may be used again, because several tabs of one client may refresh at the same time.
RACE = timedelta(seconds=10)
#: How long a token is valid.
LASTS = timedelta(days=30)
#: The number of valid tokens of a session. If there are more, the oldest one is treated as used. Also the
#: number of used tokens, the last ones, that may be used again in a race.
MAX_BRANCHES = 20


class Refreshed(NamedTuple):
    """The outcome of a refresh. generation: the generation number of the token to return.

    branches, used: the session's new fields; None if the use was a retry, which changes nothing.
    """

    generation: int
    branches: list[BranchDoc] | None = None
    used: list[UsedTokenDoc] | None = None


def refreshed(session: SessionDoc, generation: int, key: str | None, at: datetime) -> Refreshed | None:
    """Uses the token with a generation number. Returns None if it was used before, and the session must end.

    key: the idempotency key of the use. at: the time, always from the same clock.
    """
    branches = [branch for branch in branches_of(session) if at - utc(branch["at"]) < LASTS]
    used = session.get("used", [])
    recent = [token for token in used if at - utc(token["at"]) <= RACE]
    valid = any(branch["generation"] == generation for branch in branches)
    if not valid and (retried := _retried(branches, generation, key)):
        return Refreshed(retried["generation"])
    if not valid and all(token["generation"] != generation for token in recent):
        return None
    new: BranchDoc = {
        "generation": session["generation"] + 1, "parent": generation, "key": key, "at": at,
    }  # fmt: skip
    kept = [branch for branch in branches if branch["generation"] != generation]
    if valid:  # a race is measured from the first use, so that it can't be prolonged
        recent.append({"generation": generation, "at": at})
    return Refreshed(new["generation"], [*kept, new][-MAX_BRANCHES:], recent[-MAX_BRANCHES:])


def branches_of(session: SessionDoc) -> Sequence[BranchDoc]:
    """Returns a session's branches, the one that was refreshed last at the end.

    A session that was started, or refreshed last, by a version of Lectern without branches has one.
    """
    branches = session.get("branches", [])
    if branches and branches[-1]["generation"] == session["generation"]:
        return branches
    generation = session["generation"]
    only: BranchDoc = {
        "generation": generation, "parent": generation - 1, "key": session["refreshKey"],
        "at": session["expiresAt"] - LASTS,
    }  # fmt: skip
    return [only]


def _retried(branches: Sequence[BranchDoc], parent: int, key: str | None) -> BranchDoc | None:
    """Returns the branch that an earlier use of a token with the same key has begun, if it is still valid."""
    return next((b for b in branches if key and b["parent"] == parent and b["key"] == key), None)
