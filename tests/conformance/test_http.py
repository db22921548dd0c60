"""GraphQL over HTTP: the audits of the npm package graphql-http against a running gateway."""

import json
from typing import Any

import pytest

from tests.conformance.tools import HERE, Tools

AUDITS: dict[str, str] = json.loads((HERE / "audits.json").read_text(encoding="utf-8"))

# The MAYs that the gateway doesn't implement, with the reason. A MUST or a SHOULD does not belong here.
DECLINED: dict[str, str] = {}


@pytest.fixture(scope="session")
def outcomes(tools: Tools, gateway_url: str) -> dict[str, dict[str, Any]]:
    """The outcome of each audit, by its id."""
    output = tools.output("audit.mjs", f"{gateway_url}/graphql")
    return {outcome["id"]: outcome for outcome in output}


def test_the_whole_suite_is_run(tools: Tools) -> None:
    """The tests below come from audits.json, which must list the whole suite."""
    assert {audit["id"]: audit["name"] for audit in tools.output("audit.mjs")} == AUDITS


def test_only_optional_audits_are_declined() -> None:
    assert [audit for audit in DECLINED if not AUDITS[audit].startswith("MAY ")] == []


@pytest.mark.parametrize("audit", AUDITS, ids=lambda audit: f"{audit} {AUDITS[audit]}")
def test_an_audit_passes_or_is_declined(outcomes: dict[str, dict[str, Any]], audit: str) -> None:
    outcome = outcomes[audit]
    if audit in DECLINED:
        assert outcome["status"] != "ok", "it passes by now: take it off DECLINED"
    else:
        assert outcome["status"] == "ok", outcome["reason"]


def test_audits_can_fail(tools: Tools, gateway_url: str) -> None:
    output = tools.output("audit.mjs", f"{gateway_url}/healthz")
    failed = [outcome["name"] for outcome in output if outcome["status"] != "ok"]
    assert "MUST accept POST requests" in failed


def test_links_for_persisted_queries_register_a_text_and_then_send_its_hash(
    tools: Tools, gateway_url: str
) -> None:
    """Each link has an operation of its own, and runs it twice."""
    data = tools.output("persisted.mjs", f"{gateway_url}/graphql")
    assert set(data) == {"Apollo, POST", "Apollo, GET", "urql, POST", "urql, GET"}
    for link, answered in data.items():
        assert answered["data"]["courses"]["nodes"][0]["title"], link
        assert answered["sent"] == ["hash", "hash and text", "hash"], link
