"""Checks on the outbox, and on what has been delivered. Each returns a complaint for each violation."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from bson import ObjectId

from loaders.mongo import Database
from resolvers.relay import ids
from tests.deliveries.expected import Expected
from tests.deliveries.records import Record

K = TypeVar("K")

_SUBJECTS = {
    "Confirm your e-mail address": "verify_email",
    "Set a new password": "reset_password",
    "You have a place": "moved_up",
    "Cancelled": "run_cancelled",
    "Your account was deleted": "account_deleted",
}
#: The kinds of messages that clients of the storm get.
KINDS = frozenset(_SUBJECTS.values())


async def outbox_complaints(database: Database, expected: Expected) -> list[str]:
    """Every committed event and message is in the outbox exactly once, and nothing else is.

    The numbers of each subject are 1, 2, 3, … A message to somebody who was erased may be there or not.
    """
    deleted = 0
    events, messages = Counter[tuple[str, str]](), Counter[tuple[str, ObjectId]]()
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    async for account in database["accounts"].find({"emailVerifiedAt": {"$ne": None}}):
        # If a link is used before the outbox knows that it was sent, it is not sent again, but deleted.
        used = {"kind": "message.verify_email", "data.accountId": account["_id"]}
        messages["verify_email", account["_id"]] += not await database["outbox"].count_documents(used)
    async for entry in database["outbox"].find({}):
        if entry["destination"] == "mail":
            kind, data = entry["kind"].removeprefix("message."), entry["data"]
            person = data["studentId"] or data["accountId"]
            if kind == "account_deleted":
                deleted += 1
            elif kind != "reset_password" and person not in expected.erased:  # the audit log has no requests
                messages[kind, person] += 1
        else:
            events[entry["kind"], entry["subject"]] += 1
            numbers[entry["subject"]].append(entry["sequence"])
    return [
        *_differences("in the outbox", events, expected.events),
        *_differences("in the outbox", messages, expected.messages),
        *_differences(
            "in the outbox", Counter(account_deleted=deleted), Counter(account_deleted=expected.deleted)
        ),
        *_gaps("the outbox", {subject: sorted(own) for subject, own in numbers.items()}),
    ]


def event_complaints(records: Sequence[Record], expected: Expected) -> list[str]:
    """Every event has come, in order for its subject, and none that isn't expected.

    Repeated ones have the body of the first.
    """
    complaints = [f"an invalid signature: {one['invalid']}" for one in records if "invalid" in one]
    first: dict[str, str] = {}
    came = Counter[tuple[str, str]]()
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for one in (one for one in records if "id" in one):
        if one["id"] in first:
            complaints += [f"event {one['id']} has changed"] if first[one["id"]] != one["body"] else []
            continue
        first[one["id"]] = one["body"]
        event = json.loads(one["body"])
        decoded = ids.decode_id(event["subject"])
        assert decoded, event
        subject = f"{decoded.type_name}:{decoded.id}"
        came[event["type"], subject] += 1
        numbers[subject].append(event["sequence"])
    return [*complaints, *_differences("delivered", came, expected.events), *_gaps("the receiver", numbers)]


def mail_complaints(
    records: Iterable[Record], expected: Mapping[tuple[str, str], int], maybe: Iterable[tuple[str, str]] = ()
) -> list[str]:
    """Every message has come, and none that isn't expected; a message that came twice counts once.

    expected: their numbers, by kind and address. maybe: those that may also have been sent.
    """
    ids: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in records:
        kind = next(kind for text, kind in _SUBJECTS.items() if one["subject"].startswith(text))
        ids[kind, one["to"][0]].add(one["id"])
    came = Counter({key: len(own) for key, own in ids.items() if key not in set(maybe)})
    return _differences("mailed", came, Counter(expected))


def _differences(where: str, found: Counter[K], expected: Counter[K]) -> list[str]:
    return [
        f"{key} is {found[key]} times {where}, but was committed {expected[key]} times"
        for key in found.keys() | expected.keys()
        if found[key] != expected[key]
    ]


def _gaps(where: str, numbers: Mapping[str, Sequence[int]]) -> list[str]:
    return [
        f"{subject}: {where} has the numbers {list(own)}"
        for subject, own in numbers.items()
        if list(own) != [*range(1, len(own) + 1)]
    ]
