"""Staff: editors publish and archive courses, cancel runs and merge categories; timekeepers change runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from tests.storm.client import Client
from tests.storm.world import Run, World

_RACED = 0.15  # share of publications that are sent twice at once
_CATEGORIES = 3  # that an editor has at most


class Editor:
    """Looks after some courses, which nobody else changes."""

    def __init__(self, client: Client, world: World, number: int) -> None:
        self.client, self._number, self._random = client, number, client.random
        self._unsteady = world.unsteady[number :: world.editors]
        self._published = dict.fromkeys(world.fleeting[number :: world.editors], False)
        self._categories: list[str] = []
        self._created = 0

    async def act(self) -> None:
        acts: Mapping[Callable[[], Awaitable[None]], int] = {
            self._publish: 10, self._cancel_run: 6, self._create_category: 2, self._categorise: 4,
            self._merge: 2,
        }  # fmt: skip
        (act,) = self._random.choices(list(acts), list(acts.values()))
        await act()

    async def _publish(self) -> None:
        course, is_published = self._random.choice(list(self._published.items()))
        self._published[course] = not is_published
        if is_published:
            await self.client.write("archiveCourse", courseId=course)
        elif self._random.random() < _RACED:  # both succeed, but only one changes anything
            self.client.log.raced += 1
            publish = self.client.write
            await asyncio.gather(
                *(publish("publishCourse", line=n, changes=n == 0, courseId=course) for n in range(2))
            )
        else:
            await self.client.write("publishCourse", courseId=course)

    async def _cancel_run(self) -> None:
        """Cancels a run, and makes another one in its place."""
        course = self._random.choice(self._unsteady)
        run = self._random.choice(course.runs)
        await self.client.write("cancelCourseRun", runId=run.id)
        answer = await self.client.write(
            "createCourseRun",
            courseId=course.id,
            seats=run.seats,
            startsAt=f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
            deliveryMode="ONLINE",
        )
        course.runs[course.runs.index(run)] = Run(answer.payload["courseRun"]["id"], run.seats)

    async def _create_category(self) -> None:
        if len(self._categories) == _CATEGORIES:
            await self._merge()
            return
        self._created += 1
        answer = await self.client.write("createCategory", name=f"Category {self._number} {self._created}")
        self._categories.append(answer.payload["category"]["id"])

    async def _categorise(self) -> None:
        if not self._categories:
            await self._create_category()
            return
        course = self._random.choice(list(self._published))
        category = self._random.choice(self._categories)
        await self.client.write("updateCourse", changes=False, courseId=course, categoryId=category)

    async def _merge(self) -> None:
        if len(self._categories) < 2:
            await self._create_category()
            return
        goes, stays = self._random.sample(self._categories, 2)
        self._categories.remove(goes)
        await self.client.write("mergeCategories", fromCategoryId=goes, intoCategoryId=stays)


class Timekeeper:
    """Changes the same few runs as other timekeepers, at once: so their transactions conflict."""

    def __init__(self, client: Client, world: World) -> None:
        self.client, self._runs = client, world.busy

    async def act(self) -> None:
        random = self.client.random
        await self.client.write(
            "updateCourseRun", runId=random.choice(self._runs), location=f"Room {random.getrandbits(40)}"
        )
