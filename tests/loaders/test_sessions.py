"""The pool of driver sessions."""

from collections.abc import Iterator

import pytest

from loaders.mongo import driver_sessions


class Session:
    def __init__(self, number: int) -> None:
        self.session_id = number


class Client:
    """Counts the sessions that it has started."""

    def __init__(self) -> None:
        self.started = 0

    def start_session(self, *, causal_consistency: bool) -> Session:
        assert not causal_consistency
        self.started += 1
        return Session(self.started)


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    driver_sessions.keep_sessions(client)
    yield client
    driver_sessions.forget_sessions(client)


def test_a_session_is_reused_but_never_shared(client: Client) -> None:
    one, another = driver_sessions.lend(client), driver_sessions.lend(client)
    assert one.session is not another.session
    assert (one.id, another.id) == (1, 2)
    driver_sessions.give_back(client, one)
    assert driver_sessions.lend(client) is one
    assert client.started == 2


def test_a_session_given_back_after_its_client_was_closed_is_dropped(client: Client) -> None:
    free, session = driver_sessions.lend(client), driver_sessions.lend(client)
    driver_sessions.give_back(client, free)
    driver_sessions.forget_sessions(client)
    driver_sessions.give_back(client, session)
    late = driver_sessions.lend(client)
    assert late not in {free, session}
    driver_sessions.give_back(client, late)
    assert id(client) not in driver_sessions._free
