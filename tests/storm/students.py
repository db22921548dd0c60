"""The behaviour of students. Each knows its acknowledged writes, and so which refusals to expect."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import jwt

from tests.storm.client import Answer, Client, FaultError
from tests.storm.log import Json
from tests.storm.marks import address, mark
from tests.storm.people import Mailbox
from tests.storm.world import World

PASSWORD = "a password for the storm"

_MAX_FLAGS = 40  # by one person: the gateway refuses more than 50 in a day
_LATE = 0.3  # share of erasures during which something is written
_RACED = 0.15  # share of writes, where possible, that are sent twice at once, each with its own key


class Student:
    """A student with a token, or one who signs up first. Once they have left, another one comes.

    Nobody else changes a student's data, except that waitlisted places move up.

    desk: the client of staff who erase the student when asked to.
    """

    def __init__(self, client: Client, desk: Client, world: World, number: int, mailbox: Mailbox) -> None:
        self.client, self._desk, self._world, self._number = client, desk, world, number
        self._mailbox, self._random = mailbox, client.random
        self._begin(0 if client.student else 1)

    def _begin(self, generation: int) -> None:
        """Becomes another person, who has written nothing yet."""
        self._generation, self._mark = generation, mark(self._number, generation)
        if self.client.student:
            self.client.log.people[self.client.student] = self._mark
        self._email, self._is_verified, self._has_asked = "", False, False
        self._tried: set[str] = set()  # the unsteady courses that the student has tried to enrol in
        self._refresh_token: str | None = None
        self._places: dict[str, tuple[str, str]] = {}  # by course: the enrolment and its status
        self._completed: set[str] = set()  # course ids
        self._reviews: dict[str, str] = {}  # by course
        self._votes: dict[str, bool] = {}  # by review
        self._wishes: set[str] = set()  # course ids
        self._flags: set[str] = set()  # review ids

    async def act(self) -> None:
        if self.client.token is None:
            await self._sign_up()
        acts: Mapping[Callable[[], Awaitable[None]], int] = {
            self._enroll: 22, self._cancel: 12, self._progress: 12, self._create_review: 14,
            self._update_review: 8, self._delete_review: 4, self._vote: 14, self._wish: 8, self._profile: 4,
            self._refresh: 2, self._verify: 6, self._ask_for_reset: 2, self._enroll_unsteadily: 8,
            self._flag: 5, self._leave: 2,
        }  # fmt: skip
        (act,) = self._random.choices(list(acts), list(acts.values()))
        await act()

    async def _sign_up(self) -> None:
        self._email = address(self._mark)
        name = f"Newcomer {self._mark}"
        answer = await self.client.write("signUp", name=name, email=self._email, password=PASSWORD)
        self._start_session(answer.payload)
        student = answer.payload["viewer"]["student"]["id"]
        self.client.student, self.client.log.people[student] = student, self._mark

    async def _leave(self) -> None:
        """Deletes the account, or has staff erase the student. Somebody else comes instead.

        Now and then something of theirs is written at the same time, or they are erased twice at once.
        """
        writes: list[Coroutine[Any, Any, Answer]] = []
        if self._refresh_token and self._random.random() < 0.5:
            writes += [self.client.write("deleteAccount", password=PASSWORD)]
        else:
            erased = 1 + (self._random.random() < _RACED)  # both succeed, but only one begins
            erase, student = self._desk.write, self.client.student
            writes += [
                erase("eraseStudent", line=n, changes=n == 0, studentId=student) for n in range(erased)
            ]
        if self._random.random() < _LATE:
            writes += [self._late_write()]
        self.client.log.raced += len(writes) > 1
        await asyncio.gather(*writes)
        self.client.sign_out()
        self._begin(self._generation + 1)

    def _late_write(self) -> Coroutine[Any, Any, Answer]:
        """Returns a write that is done before the student is erased, or refused."""
        course = self._world.course(self._random).id
        known = self._votes.keys() | self._flags | set(self._reviews.values())
        review = next((one for one, _ in reversed(self._world.reviews) if one not in known), None)
        late: list[tuple[str, Mapping[str, Json]]] = [
            ("updateProfile", {"bio": f"Bio {self._random.getrandbits(40)} of {self._mark}"}),
            *([("addToWishlist", {"courseId": course})] if course not in self._wishes else []),
            *([("markReviewHelpful", {"reviewId": review, "helpful": True})] if review else []),
            *([("flagReview", {"reviewId": review})] if review else []),
        ]
        action, arguments = self._random.choice(late)
        # UNAUTHENTICATED, CONFLICT: they are gone. NOT_FOUND: the review is.
        may = {"UNAUTHENTICATED", "CONFLICT", "NOT_FOUND"}
        return self.client.write(action, may=may, line=1, repeats=False, **arguments)

    async def _verify(self) -> None:
        """Opens the link in a message, and so claims the imported student, if there is one."""
        token = self._email and self._mailbox.token(self._email, "Confirm your e-mail address")
        if self._is_verified or not token:
            await self._enroll()
            return
        answer = await self.client.write("verifyEmail", token=token)
        self._is_verified = True
        if answer.payload["viewer"]["student"]["id"] != self.client.student:
            raise FaultError(f"{self.client.subject} is another student: {answer}")

    async def _ask_for_reset(self) -> None:
        if self._has_asked or not self._email:
            await self._enroll()
            return
        self._has_asked = True
        await self.client.write("requestPasswordReset", changes=False, email=self._email)

    async def _enroll_unsteadily(self) -> None:
        """Enrols in a course whose runs get cancelled, at most once, and leaves it at that."""
        course = self._random.choice(self._world.unsteady)
        if course.id in self._tried:
            await self._enroll()
            return
        self._tried.add(course.id)
        run = self._random.choice(course.runs)
        # CONFLICT: the run is cancelled.
        await self.client.write(
            "enroll", may={"CONFLICT"}, courseId=course.id, runId=run.id, joinWaitlist=True
        )

    async def _refresh(self) -> None:
        """Refreshes the session, since access tokens from signing up don't last as long as the storm."""
        if self._refresh_token is None:
            await self._profile()
            return
        answer = await self.client.write("refreshSession", changes=False, refreshToken=self._refresh_token)
        self._start_session(answer.payload)

    def _start_session(self, payload: Mapping[str, Json]) -> None:
        self.client.token, self._refresh_token = payload["accessToken"], payload["refreshToken"]
        claims = jwt.decode(payload["accessToken"], options={"verify_signature": False})
        self.client.subject = claims["sub"]

    async def _enroll(self) -> None:
        course = self._world.course(self._random)
        if course.id in self._places:
            await self._progress()
            return
        if course.id in self.client.unsure:
            await self._profile()
            return
        run = self._random.choice([*course.runs, None])
        join = self._random.random() < 0.6
        arguments = {
            "courseId": course.id,
            "runId": run.id if run else None,
            "joinWaitlist": join,
        }
        taken = {"SEATS_TAKEN"} if run and run.seats and not join else set()
        for payload in await self._raced("enroll", taken, arguments):
            place = payload["enrollment"]
            self._places[course.id] = place["id"], place["status"]

    async def _cancel(self) -> None:
        if not self._places:
            await self._enroll()
            return
        course = self._random.choice(list(self._places))
        enrollment, _ = self._places.pop(course)
        if self._random.random() < _RACED:  # both succeed, but only one changes anything
            self.client.log.raced += 1
            await asyncio.gather(
                *(
                    self.client.write("cancelEnrollment", line=n, changes=n == 0, enrollmentId=enrollment)
                    for n in range(2)
                )
            )
        else:
            await self.client.write("cancelEnrollment", enrollmentId=enrollment)

    async def _progress(self) -> None:
        if not self._places:
            await self._enroll()
            return
        course, (enrollment, status) = self._random.choice(list(self._places.items()))
        progress = 1 if self._random.random() < 0.15 else round(self._random.random(), 6)
        may = {"NOT_ENROLLED"} if status == "WAITLISTED" else set()
        answer = await self.client.write(
            "updateProgress", may=may, enrollmentId=enrollment, progress=progress
        )
        if not answer.code:
            self._places[course] = enrollment, "ACTIVE"
        if not answer.code and progress == 1:
            del self._places[course]
            self._completed.add(course)

    async def _create_review(self) -> None:
        taken = self._completed | {c for c, (_, status) in self._places.items() if status == "ACTIVE"}
        courses = [course for course in taken if course not in self._reviews]
        if not courses:
            await self._enroll()
            return
        course = self._random.choice(sorted(courses))
        rating = self._random.randint(1, 5)
        arguments = {"courseId": course, "rating": rating, "body": f"{rating} of {self._mark}"}
        for payload in await self._raced("createReview", set(), arguments):
            self._reviews[course] = payload["review"]["id"]
            self._world.reviews.append((payload["review"]["id"], course))

    async def _update_review(self) -> None:
        if not self._reviews:
            await self._create_review()
            return
        review = self._random.choice(list(self._reviews.values()))
        rating = self._random.randint(1, 5)
        body = f"{rating} of {self._mark}, on second thoughts {self._random.getrandbits(40)}"
        await self.client.write("updateReview", reviewId=review, rating=rating, body=body)

    async def _delete_review(self) -> None:
        if not self._reviews:
            await self._create_review()
            return
        course = self._random.choice(list(self._reviews))
        await self.client.write("deleteReview", reviewId=self._reviews.pop(course))

    async def _vote(self) -> None:
        """Votes for somebody else's review, mostly a recent one; now and then repeats a vote."""
        recent = self._world.reviews[-60:] if self._random.random() < 0.7 else self._world.reviews
        review, _ = self._random.choice(recent)
        if review in self._reviews.values():
            return
        before = self._votes.get(review, False)
        helpful = before if self._random.random() < 0.15 else not before
        # NOT_FOUND: its author has deleted it, or it isn't shown.
        answer = await self.client.write(
            "markReviewHelpful",
            may={"NOT_FOUND"},
            changes=helpful != before,
            reviewId=review,
            helpful=helpful,
        )
        if not answer.code:
            self._votes[review] = helpful

    async def _flag(self) -> None:
        """Flags somebody else's review, mostly a recent one; now and then again, or twice at once."""
        recent = self._world.reviews[-60:] if self._random.random() < 0.7 else self._world.reviews
        review, _ = self._random.choice(recent)
        if review in self._reviews.values() or len(self._flags) == _MAX_FLAGS:
            return
        if self._flags and self._random.random() < 0.15:
            review = self._random.choice(sorted(self._flags))
        is_raced = self._random.random() < _RACED
        self.client.log.raced += is_raced
        # NOT_FOUND: as in `_vote`.
        answers = await asyncio.gather(
            *(
                self.client.write("flagReview", may={"NOT_FOUND"}, line=n, reviewId=review)
                for n in range(1 + is_raced)
            )
        )
        if not all(answer.code for answer in answers):
            self._flags.add(review)

    async def _wish(self) -> None:
        course = self._world.course(self._random).id
        wished = course in self._wishes
        remove = self._random.random() < (0.7 if wished else 0.1)
        action = "removeFromWishlist" if remove else "addToWishlist"
        await self.client.write(action, changes=wished is remove, courseId=course)
        (self._wishes.discard if remove else self._wishes.add)(course)

    async def _profile(self) -> None:
        bio = f"Bio {self._random.getrandbits(40)} of {self._mark}"
        await self.client.write("updateProfile", bio=bio)

    async def _raced(
        self, action: str, may: set[str], arguments: Mapping[str, Json]
    ) -> list[Mapping[str, Json]]:
        """The payload of a write that can succeed only once; an empty list if it was refused as it may be.

        Now and then it is sent twice at once: then one of the two must be refused as a duplicate.
        """
        write = self.client.write
        if self._random.random() < _RACED:
            self.client.log.raced += 1
            may_also = may | {"DUPLICATE"}
            answers = await asyncio.gather(
                *(write(action, may=may_also, line=n, **arguments) for n in range(2))
            )
        else:
            answers = [await write(action, may=may, **arguments)]
        done = [answer.payload for answer in answers if not answer.code]
        if len(done) > 1 or not (done or may):
            raise FaultError(f"{self.client.subject}: {action}, sent at once: {answers}")
        return done
