"""A gateway that serves the test world, which is restored for every test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from app.database import connect
from app.main import create_app
from app.observing import Listener
from app.settings import Settings
from loaders import indexes
from loaders.mongo import CommandSent, Database
from tests.accounts.support import mailing
from tests.permissions import world
from tests.permissions.identities import token_of
from tests.permissions.world import Dump, Value

#: `await ask(identity, text, variables, token=…)`
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(scope="session")
def own_settings(settings: Settings) -> Settings:
    own = {"mongodb_database": f"{settings.mongodb_database}_permissions"}
    return mailing(settings.model_copy(update=own))


@pytest.fixture(scope="session")
async def place(own_settings: Settings) -> AsyncIterator[Database]:
    """The database of the world."""
    async with connect(own_settings) as database:
        await indexes.ensure(database)
        yield database
        await database.client.drop_database(database.name)


@pytest.fixture(scope="session")
async def made(place: Database) -> Dump:
    return await world.create(place)


@pytest.fixture
async def intact(place: Database, made: Dump) -> AsyncIterator[Dump]:
    """The world, restored after the test if the test has changed it."""
    yield made
    if await world.dump(place) != made:
        await world.restore(place, made)


class Sent(Listener):
    """The commands of the gateway's requests."""

    def __init__(self) -> None:
        self.commands: list[CommandSent] = []

    def command_sent(self, command: CommandSent) -> None:
        self.commands.append(command)


@pytest.fixture(scope="session")
def listener() -> Sent:
    return Sent()


@pytest.fixture(scope="session")
async def gateway(own_settings: Settings, made: Dump, listener: Sent) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(own_settings, listener)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://lectern") as client,
    ):
        yield client


@pytest.fixture(scope="session")
def ask(gateway: httpx.AsyncClient) -> Ask:
    async def asked(
        identity: str, text: str, variables: Value = None, *, token: str | None = None
    ) -> httpx.Response:
        access_token = token or token_of(identity)
        headers = {"authorization": f"Bearer {access_token}"} if access_token else {}
        return await gateway.post("/graphql", json={"query": text, "variables": variables}, headers=headers)

    return asked
