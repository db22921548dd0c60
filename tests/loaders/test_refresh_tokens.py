"""The rules of refresh tokens, against clients that refresh, race, retry and wait in any order."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bson import ObjectId
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loaders.accounts.refresh_tokens import LASTS, MAX_BRANCHES, RACE, branches_of, refreshed
from loaders.model import SessionDoc

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def new_session() -> SessionDoc:
    return {
        "_id": ObjectId(), "accountId": ObjectId(), "generation": 0, "refreshKey": None, "createdAt": NOW,
        "expiresAt": NOW + LASTS, "endedAt": None,
    }  # fmt: skip


def use(session: SessionDoc, generation: int, at: datetime, key: str | None = None) -> int | None:
    """Uses a token as a gateway does, and stores the outcome. Returns the next one, or None."""
    outcome = refreshed(session, generation, key, at)
    if outcome is None:
        return None
    if outcome.branches is not None and outcome.used is not None:
        session["generation"], session["refreshKey"] = outcome.generation, key
        session["branches"], session["used"] = outcome.branches, outcome.used
        session["expiresAt"] = at + LASTS
    return outcome.generation


def test_a_race_lasts_ten_seconds_from_the_first_use() -> None:
    for late, is_race in ((RACE - MS, True), (RACE, True), (RACE + MS, False)):
        session = new_session()
        assert use(session, 0, NOW) == 1
        assert use(session, 0, NOW + RACE - MS) == 2  # doesn't prolong it
        assert use(session, 0, NOW + late) == (3 if is_race else None)


def test_a_thief_who_uses_the_new_token_is_noticed_when_its_owner_does() -> None:
    session = new_session()
    stolen = use(session, 0, NOW)
    assert stolen is not None
    assert use(session, stolen, NOW + timedelta(minutes=1)) is not None
    assert use(session, stolen, NOW + timedelta(minutes=9)) is None


def test_so_many_tokens_are_valid_and_the_oldest_of_more_is_a_used_one() -> None:
    for number in (MAX_BRANCHES, MAX_BRANCHES + 1):
        session = new_session()
        tokens = [use(session, 0, NOW) for _ in range(number)]
        assert tokens == list(range(1, number + 1))
        later = NOW + timedelta(minutes=9)
        assert (use(session, 1, later) is None) == (number > MAX_BRANCHES)
        assert use(session, 2, later) is not None


def test_an_idle_tabs_token_ends_after_thirty_days_though_another_tab_refreshes() -> None:
    for age, is_valid in ((LASTS - MS, True), (LASTS, False)):
        session = new_session()
        tab, idle = (use(session, 0, NOW) for _ in range(2))
        assert tab is not None
        assert idle is not None
        assert use(session, tab, NOW + timedelta(days=20)) is not None
        assert (use(session, idle, NOW + age) is not None) == is_valid


def test_a_race_is_possible_for_the_tokens_that_were_used_last() -> None:
    for uses, is_possible in ((MAX_BRANCHES, True), (MAX_BRANCHES + 1, False)):
        session, token = new_session(), 0
        for _ in range(uses):
            token = use(session, token, NOW) or 0
        assert (use(session, 0, NOW) is not None) == is_possible


def test_a_session_of_an_earlier_version_has_one_branch() -> None:
    session = new_session() | cast("SessionDoc", {"generation": 4, "refreshKey": "k1"})
    assert use(session, 3, NOW, "k1") == 4  # a retry
    assert use(session, 3, NOW, "k2") is None
    assert use(session, 4, NOW) == 5


def test_a_refresh_by_an_earlier_version_leaves_its_token_only() -> None:
    session = new_session()
    one, two = (use(session, 0, NOW) for _ in range(2))
    session["generation"] = 3  # it doesn't know the branches
    assert [branch["generation"] for branch in branches_of(session)] == [3]
    later = NOW + timedelta(minutes=1)
    assert [refreshed(session, token, None, later) for token in (one or 0, two or 0)] == [None, None]
    assert use(session, 3, later) == 4


class Tabs(RuleBasedStateMachine):
    """Tabs of one client, each with its own token: none of what they do may end the session."""

    def __init__(self) -> None:
        super().__init__()
        self.session, self.now = new_session(), NOW
        self.tabs: list[dict[str, Any]] = [{"token": 0, "at": NOW, "last": None}]
        self.first_used: dict[int, datetime] = {}
        self.issued = {0}

    def _use(self, token: int, key: str | None, *, is_retry: bool = False) -> int:
        new = use(self.session, token, self.now, key)
        assert new is not None
        if not is_retry:
            assert new not in self.issued
            self.first_used.setdefault(token, self.now)
        self.issued.add(new)
        return new

    @property
    def live(self) -> list[dict[str, Any]]:
        """The tabs whose tokens haven't expired."""
        return [tab for tab in self.tabs if self.now - tab["at"] < LASTS]

    @property
    def racing(self) -> list[dict[str, Any]]:
        """The tabs whose last token may still be used in a race."""
        remembered = list(self.first_used)[-MAX_BRANCHES:]
        return [
            tab
            for tab in self.live
            if tab["last"]
            and tab["last"][0] in remembered
            and self.now - self.first_used[tab["last"][0]] <= RACE
        ]

    @property
    def retrying(self) -> list[dict[str, Any]]:
        """The tabs that can repeat their last refresh."""
        return [tab for tab in self.live if tab["last"] and tab["last"][1] is not None]

    @property
    def old(self) -> list[int]:
        """The tokens that were used before, longer ago than a race lasts."""
        return [token for token, at in self.first_used.items() if self.now - at > RACE]

    @rule(seconds=st.sampled_from([0.001, 1, 9.9, 10, 11, 600, 86_400 * 9]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), key=st.sampled_from([None, "k1", "k2"]))
    def refresh(self, data: st.DataObject, key: str | None) -> None:
        tab = data.draw(st.sampled_from(self.live))
        unique = f"{key}-{tab['token']}" if key else None
        new = self._use(tab["token"], unique)
        tab.update(last=(tab["token"], unique), token=new, at=self.now)

    @precondition(lambda self: self.racing and len(self.tabs) < MAX_BRANCHES - 1)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        """Another tab refreshes the token that a tab has refreshed just before."""
        token = data.draw(st.sampled_from(self.racing))["last"][0]
        self.tabs.append({"token": self._use(token, None), "at": self.now, "last": (token, None)})

    @precondition(lambda self: self.retrying)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """A tab has lost the answer, and asks again with the same key."""
        tab = data.draw(st.sampled_from(self.retrying))
        token, key = tab["last"]
        assert self._use(token, key, is_retry=True) == tab["token"]

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def steal(self, data: st.DataObject) -> None:
        """A thief comes later than a race lasts. The session would end."""
        assert refreshed(self.session, data.draw(st.sampled_from(self.old)), "a thief's", self.now) is None

    @invariant()
    def is_bounded(self) -> None:
        assert len(self.session.get("branches", [])) <= MAX_BRANCHES
        assert len(self.session.get("used", [])) <= MAX_BRANCHES


Tabs.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestTabs = Tabs.TestCase
