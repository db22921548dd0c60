"""People who write. Instructors and moderators know their acknowledged writes, as students do."""

import asyncio
from typing import Protocol
from zlib import crc32

from tests.storm.client import Client
from tests.storm.world import World

_MAX_SEATS = 12


class Mailbox(Protocol):
    """Where people find their messages."""

    def token(self, address: str, subject: str) -> str | None:
        """Returns the token of the first message with a subject to an address, or None if it hasn't come."""
        ...


class Person(Protocol):
    """Anyone who writes."""

    client: Client

    async def act(self) -> None:
        """One or two writes."""
        ...


class Instructor:
    """An instructor who changes the seats of their courses' runs and replies to reviews. Nobody else does."""

    def __init__(self, client: Client, world: World, number: int) -> None:
        self.client, self._world = client, world
        self._courses = world.taught(number)
        self._seats = {run.id: run.seats for c in self._courses for run in c.runs if run.seats is not None}

    async def act(self) -> None:
        if self.client.random.random() < 0.5:
            await self._set_seats()
        else:
            await self._reply()

    async def _set_seats(self) -> None:
        random = self.client.random
        run, before = random.choice(list(self._seats.items()))
        seats = random.choice([n for n in range(max(1, before - 2), _MAX_SEATS) if n != before][:4])
        answer = await self.client.write("updateCourseRun", may={"CONFLICT"}, runId=run, seats=seats)
        if not answer.code:
            self._seats[run] = seats

    async def _reply(self) -> None:
        own = {course.id for course in self._courses}
        reviews = [review for review, course in self._world.reviews[-200:] if course in own]
        if not reviews:
            await self._set_seats()
            return
        body = f"Thank you, {self.client.random.getrandbits(40)} times"
        review = self.client.random.choice(reviews)
        await self.client.write("replyToReview", may={"NOT_FOUND"}, reviewId=review, body=body)


class Moderator:
    """A moderator who sets the status of a share of the reviews. Nobody else moderates these."""

    def __init__(self, client: Client, world: World, number: int) -> None:
        self.client, self._world, self._number = client, world, number

    async def act(self) -> None:
        random = self.client.random
        moderators = self._world.moderators
        mine = [r for r, _ in self._world.reviews[-200:] if crc32(r.encode()) % moderators == self._number]
        if not mine:
            await asyncio.sleep(0.1)
            return
        review = random.choice(mine)
        status = random.choice(["PUBLISHED", "PUBLISHED", "PENDING", "REJECTED"])
        reason = f"Reason {random.getrandbits(40)}"
        await self.client.write(
            "moderateReview", may={"NOT_FOUND"}, reviewId=review, status=status, reason=reason
        )
