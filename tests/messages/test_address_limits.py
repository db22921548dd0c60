"""How many messages an address gets that nobody there has asked for."""

from typing import get_args

import pytest

from app.delivery.messages import address_limits
from app.delivery.messages.address_limits import LIMITS, may_get
from loaders.mongo import Database
from loaders.outbox import MessageKind
from tests.messages.examples import entry

ADA = "ada@example.org"
ASKED_FOR = {"verify_email", "reset_password", "change_email", "address_taken"}
OF_STAFF = {"run_cancelled", "account_deactivated"}

unasked = pytest.mark.parametrize("kind", LIMITS)


async def allowed(database: Database, kind: str, number: int, address: str = ADA) -> int:
    name: MessageKind = next(own for own in get_args(MessageKind) if own == kind)
    return sum([await may_get(database, entry(name), address) for _ in range(number)])


def test_every_kind_is_limited_or_caused_by_staff() -> None:
    assert {*LIMITS, *ASKED_FOR, *OF_STAFF} == {*get_args(MessageKind)}


@unasked
async def test_so_many_of_a_kind_within_an_hour(database: Database, kind: str) -> None:
    most = LIMITS[kind].per_hour
    assert await allowed(database, kind, most + 2) == most
    assert await allowed(database, kind, 1, "bob@example.org") == 1
    other = "moved_up" if kind != "moved_up" else "password_changed"
    assert await allowed(database, other, 1) == 1


@unasked
async def test_so_many_of_a_kind_within_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    most = LIMITS[kind].per_day
    monkeypatch.setitem(address_limits.LIMITS, kind, LIMITS[kind]._replace(per_hour=1_000))
    assert await allowed(database, kind, most + 2) == most


async def test_addresses_of_one_mailbox_share_its_limits(database: Database) -> None:
    most = LIMITS["verify_email"].per_hour
    tagged = [await may_get(database, entry("verify_email"), f"ada+{n}@example.org") for n in range(most + 1)]
    assert tagged == [True] * most + [False]
    assert await may_get(database, entry("verify_email"), ADA) is False
    assert await may_get(database, entry("verify_email"), "ada@example.com") is True


async def test_a_further_attempt_is_not_counted(database: Database) -> None:
    await allowed(database, "password_changed", 9)
    assert await may_get(database, entry("password_changed", attempts=1), ADA) is True


@pytest.mark.parametrize("kind", [*sorted(OF_STAFF), "verify_email", "reset_password"])
async def test_what_was_limited_before_or_comes_from_staff_is_not_counted(
    database: Database, kind: MessageKind
) -> None:
    own = entry(kind, to=None if kind in OF_STAFF else ADA)
    assert all([await may_get(database, own, ADA) for _ in range(40)])
    assert await database["attempts"].count_documents({}) == 0
