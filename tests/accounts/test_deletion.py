"""`deleteAccount` that is sent more than once."""

from asyncio import gather

from loaders import audit, people
from loaders.accounts import by_email
from loaders.mongo import Database, Transaction, transaction
from resolvers.context import Viewer
from resolvers.writing import actor
from tests.writes.sessions import EMAIL, PASSWORD, Gateway
from tests.writes.support import Doc

DELETION = "mutation($i: DeleteAccountInput!) { deleteAccount(input: $i) { errors { code } } }"


async def deleted(gateway: Gateway, session: Doc, **more: str) -> list[Doc]:
    values = {"password": PASSWORD, **more}
    answer = (await gateway.post(DELETION, {"i": values}, token=session["accessToken"])).json()
    errors: list[Doc] = answer["data"]["deleteAccount"]["errors"]
    return errors


async def test_an_account_that_is_deleted_several_times_at_once(gateway: Gateway, database: Database) -> None:
    session = await gateway.sign_up()
    assert await gather(*(deleted(gateway, session) for _ in range(4))) == [[]] * 4
    assert await deleted(gateway, session) == []
    assert await database["accounts"].count_documents({}) == 0
    assert await database["students"].count_documents({"name": "Deleted student"}) == 1
    begun = {"action": "deleteAccount", "changes.collection": "accounts"}
    assert await database["auditLog"].count_documents(begun) == 1


async def test_a_deletion_that_was_interrupted_is_finished_by_the_same_request(
    gateway: Gateway, database: Database
) -> None:
    session = await gateway.sign_up()

    async def begin(tx: Transaction) -> None:
        account = await by_email(tx, EMAIL)
        assert account
        owner = Viewer(roles=frozenset({"STUDENT"}), subject=str(account["_id"]))
        await people.delete_account(tx, account)
        await audit.record(tx, "deleteAccount", actor(owner), "")

    await transaction(database, begin)
    assert await people.unfinished_erasures(database) == 1
    assert await deleted(gateway, session, idempotencyKey="k") == []
    assert await people.unfinished_erasures(database) == 0


async def test_a_session_that_has_ended_deletes_nothing(gateway: Gateway, database: Database) -> None:
    session = await gateway.sign_up()
    await gateway.mutate("signOut", {}, token=session["accessToken"])
    assert await deleted(gateway, session) == [{"code": "UNAUTHENTICATED"}]
    assert await database["accounts"].count_documents({}) == 1
