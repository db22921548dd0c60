"""A client that retries each write until it is acknowledged or refused, whatever happens meanwhile."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import orjson

from tests.storm.connection import Connection, Cut, GoneError
from tests.storm.log import Ack, Log

_Json: TypeAlias = Any  # inputs and payloads of mutations

_ACK_SECONDS = 150.0  # until a write must be acknowledged
_CUT, _REPEATED = 0.1, 0.05  # shares of requests that are cut off, and of writes that are sent again

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
    "verifyEmail": "viewer { emailVerified student { id } }",
    "requestPasswordReset": "",
    "publishCourse": "course { id status }",
    "archiveCourse": "course { id status }",
    "updateCourse": "course { id }",
    "createCourseRun": "courseRun { id seats }",
    "flagReview": "review { id }",
    "eraseStudent": "student { id name }",
    "deleteAccount": "",
    "cancelCourseRun": "courseRun { id waitlistCount }",
    "createCategory": "category { id slug }",
    "mergeCategories": "category { id slug }",
}
_INPUTS = {"addToWishlist": "WishlistInput", "removeFromWishlist": "WishlistInput"}
#: Writes that return new tokens each time, so their answers can't be compared.
_SESSIONS = ("signUp", "refreshSession")


class FaultError(Exception):
    """A client got an answer that must not happen."""


class Answer(NamedTuple):
    """The payload of a write. code: of its refusal, or None."""

    code: str | None
    payload: Mapping[str, _Json]


class Client:
    """A client of the gateway.

    lines: its connections. subject, token: of its session, once it has signed up. student: its global ID.
    unsure: the courses in which it was refused a place only at a second try: then the first one can still be
    under way, and succeed later, because refusals are not recorded under an idempotency key.
    """

    def __init__(self, lines: Sequence[Connection], log: Log, random: Random) -> None:
        self.log, self.random = log, random
        self.subject = ""
        self.token: str | None = None
        self.student: str | None = None
        self.unsure: set[str] = set()
        self._lines = lines

    async def write(
        self,
        action: str,
        *,
        may: Collection[str] = (),
        changes: bool = True,
        line: int = 0,
        repeats: bool = True,
        **input: _Json,
    ) -> Answer:
        """Sends a write until it has an answer, and returns that.

        may: the codes with which it may be refused. changes: whether it changes anything unless it is
        refused. line: which of the client's connections to use. repeats: whether it may be sent again after
        its answer.

        Raises FaultError for any other answer, and if there is none in time.
        """
        input["idempotencyKey"] = str(UUID(int=self.random.getrandbits(128)))
        body = orjson.dumps({"query": _operation(action), "variables": {"input": input}})
        began, tries, sent, answer = time.time(), 0, 0.0, None
        while answer is None:
            if (sent := time.time()) > began + _ACK_SECONDS:
                raise self._fault(action, f"not acknowledged in {_ACK_SECONDS:g} s")
            tries += 1
            answer = await self._try(action, body, line)
        at = time.time()
        if answer.code and action == "enroll" and tries > 1:
            self.unsure.add(input["courseId"])
        if answer.code and answer.code not in may:
            raise self._fault(action, f"refused: {answer.payload}, after {tries} tries of {input}")
        self.log.acks.append(
            Ack(
                self.subject, self.student, action, input, answer.payload, answer.code,
                changes and not answer.code, tries, began, sent, at,
            )
        )  # fmt: skip
        if answer.code is None and repeats and action not in _SESSIONS and self.random.random() < _REPEATED:
            await self._repeat(action, body, line, answer)
        return answer

    def sign_out(self) -> None:
        """Forgets the session, and what was known of its student."""
        self.subject, self.token, self.student = "", None, None
        self.unsure = set()

    def close(self) -> None:
        for line in self._lines:
            line.close()

    async def _repeat(self, action: str, body: bytes, line: int, first: Answer) -> None:
        """Sends a write again with its key, and checks that the answer is the same."""
        again = None
        while again is None:
            again = await self._try(action, body, line)
        if again != first:
            raise self._fault(action, f"a different answer for its key: {again}, first: {first}")
        self.log.repeated += 1

    async def _try(self, action: str, body: bytes, line: int) -> Answer | None:
        """Sends a write once. Returns None if it must be retried, after a pause if the connection failed."""
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
        """The answer in a response; None if the write must be retried."""
        response = orjson.loads(text)
        if errors := response.get("errors"):
            codes = {error["extensions"]["code"] for error in errors}
            if not codes <= {"SERVICE_UNAVAILABLE", "TIMEOUT", "OVERLOADED"}:
                raise self._fault(action, f"HTTP {status}: {errors}")
            await self._wait(" ".join(codes))
            return None
        payload = response["data"][action]
        return Answer(payload["errors"][0]["code"] if payload["errors"] else None, payload)

    async def _wait(self, reason: str) -> None:
        self.log.retriable[reason] += 1
        await asyncio.sleep(self.random.uniform(0.1, 0.5))

    def _fault(self, action: str, what: str) -> FaultError:
        history = "".join(
            f"\n    {ack.began:.1f}-{ack.at:.1f} {ack.action} {ack.input} {ack.code}, {ack.tries} tries"
            for ack in self.log.history(self.subject)
        )
        return FaultError(f"{self.subject or 'a newcomer'}: {action}: {what}; before that:{history}")


def _operation(action: str) -> str:
    kind = _INPUTS.get(action, f"{action[0].upper()}{action[1:]}Input")
    return (
        f"mutation($input: {kind}!) {{ {action}(input: $input)"
        f" {{ {_SELECTED[action]} errors {{ code message path }} }} }}"
    )
