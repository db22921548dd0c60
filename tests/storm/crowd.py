"""The clients: mostly students, some of whom sign up first, a few instructors and moderators."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

from bson import ObjectId

from resolvers.context import Viewer
from resolvers.relay import ids
from tests.storm.client import Client
from tests.storm.connection import Connection
from tests.storm.log import Log
from tests.storm.people import Instructor, Moderator, Person, Student
from tests.storm.world import World
from tests.support import TOKENS


@asynccontextmanager
async def gathered(world: World, log: Log, port: int, seed: int) -> AsyncIterator[list[Person]]:
    """Everybody in a world, each with an address of their own, as people have."""
    clients: list[Client] = []

    def client() -> Client:
        number = len(clients)
        address, random = f"127.1.{number // 250}.{number % 250 + 1}", Random(f"{seed} {number}")
        lines = [Connection(port, address, random) for _ in range(2)]
        clients.append(Client(lines, log, random))
        return clients[-1]

    students, teachers = range(len(world.students)), range(len(world.instructors))
    try:
        yield [
            *(Student(_student(client(), world, n), world, n) for n in students),
            *(Instructor(_instructor(client(), world, n), world, n) for n in teachers),
            *(Moderator(_moderator(client(), n), world, n) for n in range(world.moderators)),
        ]
    finally:
        for each in clients:
            each.close()


def _student(client: Client, world: World, number: int) -> Client:
    """One of ten has to sign up first."""
    if number % 10 == 0:
        return client
    document = world.students[number]
    client.student = ids.encode_id("Student", document)
    return _known(client, f"student {number}", "STUDENT", student_id=document["_id"])


def _instructor(client: Client, world: World, number: int) -> Client:
    instructor_id = world.instructors[number]["_id"]
    return _known(client, f"instructor {number}", "INSTRUCTOR", instructor_id=instructor_id)


def _moderator(client: Client, number: int) -> Client:
    return _known(client, f"moderator {number}", "STAFF")


def _known(client: Client, subject: str, role: str, **of: ObjectId) -> Client:
    """A client with a token that outlives the storm."""
    client.subject = subject
    client.token = TOKENS.access(Viewer(frozenset({role}), subject=subject, **of), timedelta(days=1)).text
    return client
