"""The clients of a storm: mostly students, some of whom sign up first, and a few staff."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

from bson import ObjectId

from resolvers.context import Viewer
from resolvers.relay import ids
from tests.storm.client import Client
from tests.storm.connection import Connection
from tests.storm.editors import Editor, Timekeeper
from tests.storm.log import Log
from tests.storm.people import Instructor, Mailbox, Moderator, Person
from tests.storm.students import Student
from tests.storm.world import World
from tests.support import TOKENS


@asynccontextmanager
async def gathered(
    world: World, log: Log, ports: Sequence[int], seed: int, mailbox: Mailbox
) -> AsyncIterator[list[Person]]:
    """Yields all people of a world, each with a separate network address. ports: of the gateways."""
    clients: list[Client] = []

    def client() -> Client:
        number = len(clients)
        address, random = f"127.1.{number // 250}.{number % 250 + 1}", Random(f"{seed} {number}")
        lines = [Connection(ports[(number + n) % len(ports)], address, random) for n in range(2)]
        clients.append(Client(lines, log, random))
        return clients[-1]

    students, teachers = range(len(world.students)), range(len(world.instructors))
    try:
        yield [
            *(
                Student(_student(client(), world, n), _staff(client(), f"desk {n}"), world, n, mailbox)
                for n in students
            ),
            *(Instructor(_instructor(client(), world, n), world, n) for n in teachers),
            *(Moderator(_staff(client(), f"moderator {n}"), world, n) for n in range(world.moderators)),
            *(Timekeeper(_staff(client(), f"timekeeper {n}"), world) for n in range(world.timekeepers)),
            *(Editor(_staff(client(), f"editor {n}"), world, n) for n in range(world.editors)),
        ]
    finally:
        for opened in clients:
            opened.close()


def _student(client: Client, world: World, number: int) -> Client:
    """A student's client. Some have no account, and must sign up first; the others have an external one."""
    if number % world.newcomers == 0:
        return client
    document = world.students[number]
    client.student = ids.encode_id("Student", document)
    return _signed_in(client, f"https://storm.example|{number}", "STUDENT", student_id=document["_id"])


def _instructor(client: Client, world: World, number: int) -> Client:
    instructor_id = world.instructors[number]["_id"]
    return _signed_in(client, f"instructor {number}", "INSTRUCTOR", instructor_id=instructor_id)


def _staff(client: Client, subject: str) -> Client:
    return _signed_in(client, subject, "STAFF")


def _signed_in(client: Client, subject: str, role: str, **viewer_ids: ObjectId) -> Client:
    """A client with a token that outlives the storm."""
    client.subject = subject
    client.token = TOKENS.access(
        Viewer(frozenset({role}), subject=subject, **viewer_ids), timedelta(days=1)
    ).text
    return client
