"""One client: it sends a write until it is told what became of it, whatever happens on the way."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from tests.storm.connection import Connection, Cut, GoneError
from tests.storm.log import Ack, Log

_AT_MOST = 150.0  # seconds until a write is acknowledged
_CUT, _REPEATED = 0.1, 0.05  # how many of the requests are cut off, how many of the writes sent once more

_SELECTED: Mapping[str, str] = {
    "signUp": "accessToken refreshToken viewer { student { id } }",
    "refreshSession": "accessToken refreshToken",
    "updateProfile": "student { id bio }",
    "enroll": "enrollment { id status progress enrolledAt }",
    "cancelEnrollment": "enrollment { id status }",
    "updateProgress": "enrollment { id status progress completedAt }",
    "addToWishlist": "course { id } viewer { roles }",
    "removeFromWishlist": "course { id } viewer { roles }",
    "createReview": "review { id rating body status createdAt } course { id studentCount rating { count } }",
    "updateReview": "review { id rating body updatedAt } course { id rating { count average } }",
    "deleteReview": "review { id rating } course { id rating { count average } }",
    "markReviewHelpful": "review { id helpfulCount }",
    "replyToReview": "review { id reply { body createdAt } }",
    "moderateReview": "review { id status } course { id rating { count } }",
    "updateCourseRun": "courseRun { id seats seatsLeft waitlistCount }",
}
_INPUTS = {"addToWishlist": "WishlistInput", "removeFromWishlist": "WishlistInput"}
#: What their answers have is new each time.
_SESSIONS = ("signUp", "refreshSession")


class FaultError(Exception):
    """Something that may not happen to a client."""


class Answer(NamedTuple):
    """code: of the refusal, or None."""

    code: str | None
    payload: Mapping[str, Any]


class Client:
    """lines: its connections. subject, token: of who has signed up. student: its global ID."""

    def __init__(self, lines: Sequence[Connection], log: Log, random: Random) -> None:
        self.log, self.random = log, random
        self.subject = ""
        self.token: str | None = None
        self.student: str | None = None
        self._lines = lines

    async def write(
        self, action: str, *, may: Collection[str] = (), changes: bool = True, line: int = 0, **input: Any
    ) -> Answer:
        """What a write was answered. may: the codes with which it may be refused. changes: whether it changes
        something, where it is not refused. line: which of the client's connections.

        Raises FaultError for any other answer, and where there is none in time.
        """
        input["idempotencyKey"] = str(UUID(int=self.random.getrandbits(128)))
        body = orjson.dumps({"query": _operation(action), "variables": {"input": input}})
        began, tries, sent, answer = time.time(), 0, 0.0, None
        while answer is None:
            if (sent := time.time()) > began + _AT_MOST:
                raise self._fault(action, f"not acknowledged in {_AT_MOST:g} s")
            tries += 1
            answer = await self._try(action, body, line)
        at = time.time()
        if answer.code and answer.code not in may:
            raise self._fault(action, f"refused: {answer.payload}, after {tries} tries")
        self.log.acks.append(
            Ack(
                self.subject, self.student, action, input, answer.payload, answer.code,
                changes and not answer.code, tries, began, sent, at,
            )
        )  # fmt: skip
        if answer.code is None and action not in _SESSIONS and self.random.random() < _REPEATED:
            await self._repeat(action, body, line, answer)
        return answer

    def close(self) -> None:
        for line in self._lines:
            line.close()

    async def _repeat(self, action: str, body: bytes, line: int, first: Answer) -> None:
        """The same key gives the same answer."""
        again = None
        while again is None:
            again = await self._try(action, body, line)
        if again != first:
            raise self._fault(action, f"another answer for its key: {again}, first: {first}")
        self.log.repeated += 1

    async def _try(self, action: str, body: bytes, line: int) -> Answer | None:
        """None where the write must be sent again: after a while, if something is wrong."""
        cut = self.random.choice(list(Cut)) if self.random.random() < _CUT else None
        token = None if action in _SESSIONS else self.token
        try:
            status, text = await self._lines[line].post(token, body, cut)
        except GoneError as gone:
            if cut:
                self.log.cuts[cut.value] += 1
            else:
                await self._wait(str(gone))
            return None
        return await self._read(action, status, text)

    async def _read(self, action: str, status: int, text: bytes) -> Answer | None:
        told = orjson.loads(text)
        if errors := told.get("errors"):
            codes = {error["extensions"]["code"] for error in errors}
            if not codes <= {"SERVICE_UNAVAILABLE", "TIMEOUT", "OVERLOADED"}:
                raise self._fault(action, f"HTTP {status}: {errors}")
            await self._wait(" ".join(codes))
            return None
        payload = told["data"][action]
        return Answer(payload["errors"][0]["code"] if payload["errors"] else None, payload)

    async def _wait(self, reason: str) -> None:
        self.log.retriable[reason] += 1
        await asyncio.sleep(self.random.uniform(0.1, 0.5))

    def _fault(self, action: str, what: str) -> FaultError:
        return FaultError(f"{self.subject or 'somebody new'}: {action}: {what}")


def _operation(action: str) -> str:
    kind = _INPUTS.get(action, f"{action[0].upper()}{action[1:]}Input")
    return (
        f"mutation($input: {kind}!) {{ {action}(input: $input)"
        f" {{ {_SELECTED[action]} errors {{ code message path }} }} }}"
    )
