"""Issues trial access tokens for `lectern token` to print."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import NamedTuple, TypeAlias

from bson import ObjectId

from app.auth import SessionTokens
from app.commands.command_error import CommandError
from app.database import connect, ping
from app.settings import Settings
from loaders.accounts import trial_instructor, trial_student
from loaders.model import InstructorDoc, Role, StudentDoc
from loaders.mongo import Database
from resolvers.context import Viewer
from resolvers.relay import encode_id

_Person: TypeAlias = StudentDoc | InstructorDoc
_Find: TypeAlias = Callable[[Database, ObjectId | None], Awaitable[_Person | None]]

_FIND: Mapping[Role, _Find] = {"STUDENT": trial_student, "INSTRUCTOR": trial_instructor}


class Trial(NamedTuple):
    """An issued trial token. holder: a description of its holder, with roles and names."""

    token: str
    holder: str


async def issue(
    settings: Settings, roles: Collection[Role], ids: Mapping[Role, ObjectId | None], lasts: timedelta
) -> Trial:
    """Issues a token for the gateway with these settings.

    ids: maps a role to the id of the person who has that role, or to None if any suitable person will do.
    lasts: how long the token is valid.

    Raises CommandError if there is no such person.
    """
    async with connect(settings) as database:
        await ping(database)
        people = {role: await _person(database, role, ids[role]) for role in roles if role in _FIND}
    tokens = SessionTokens(settings.lectern_secret.get_secret_value().encode())
    holder = ", ".join(_described(role, people.get(role)) for role in sorted(roles))
    return Trial(tokens.access(_viewer(roles, people), lasts).text, holder)


async def _person(database: Database, role: Role, id: ObjectId | None) -> _Person:
    if found := await _FIND[role](database, id):
        return found
    name, does = role.lower(), "takes" if role == "STUDENT" else "teaches"
    if id:
        raise CommandError(f"--{name}: there is no {name} with this ID.")
    raise CommandError(
        f"No {name} {does} a course in this database: choose one with --{name} ID.\n"
        f"The sample data of `lectern dev` has such {name}s, but --empty omits it."
    )


def _viewer(roles: Collection[Role], people: Mapping[Role, _Person]) -> Viewer:
    student, instructor = people.get("STUDENT"), people.get("INSTRUCTOR")
    return Viewer(
        roles=frozenset(roles),
        student_id=student and student["_id"],
        instructor_id=instructor and instructor["_id"],
        subject=f"lectern token|{','.join(str(person['_id']) for person in people.values())}",
    )


def _described(role: Role, person: _Person | None) -> str:
    return f"{role} {person['name']} ({encode_id(role.title(), person)})" if person else role
