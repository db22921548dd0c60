"""The GraphQL-over-HTTP specification: the audits of the npm package graphql-http against a live gateway."""

import json
from typing import Any

import pytest

from tests.conformance.tools import HERE, Tools

AUDITS: dict[str, str] = json.loads((HERE / "audits.json").read_text(encoding="utf-8"))

# The MAYs that the gateway chose not to do: id and reason. A MUST or a SHOULD has no place here.
DECLINED: dict[str, str] = {}


@pytest.fixture(scope="session")
def outcomes(tools: Tools, gateway_url: str) -> dict[str, dict[str, Any]]:
    """What each audit came to, by its id."""
    told = tools.told("audit.mjs", f"{gateway_url}/graphql")
    return {outcome["id"]: outcome for outcome in told}


def test_suite_is_run_as_a_whole(tools: Tools) -> None:
    """audits.json names the tests below: it is the suite's own list."""
    assert {audit["id"]: audit["name"] for audit in tools.told("audit.mjs")} == AUDITS


def test_only_what_is_optional_is_declined() -> None:
    assert [audit for audit in DECLINED if not AUDITS[audit].startswith("MAY ")] == []


@pytest.mark.parametrize("audit", AUDITS, ids=lambda audit: f"{audit} {AUDITS[audit]}")
def test_audit(outcomes: dict[str, dict[str, Any]], audit: str) -> None:
    outcome = outcomes[audit]
    if audit in DECLINED:
        assert outcome["status"] != "ok", "it passes by now: take it off DECLINED"
    else:
        assert outcome["status"] == "ok", outcome["reason"]


def test_audits_can_fail(tools: Tools, gateway_url: str) -> None:
    told = tools.told("audit.mjs", f"{gateway_url}/healthz")
    failed = [outcome["name"] for outcome in told if outcome["status"] != "ok"]
    assert "MUST accept POST requests" in failed


def test_links_of_persisted_queries_fall_back_on_the_text(tools: Tools, gateway_url: str) -> None:
    """They send a hash alone first, and are told that it is not supported."""
    data = tools.told("persisted.mjs", f"{gateway_url}/graphql")
    assert set(data) == {"Apollo, POST", "Apollo, GET", "urql, POST", "urql, GET"}
    for link, answered in data.items():
        assert answered["courses"]["nodes"][0]["title"], link
