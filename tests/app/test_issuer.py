"""Tokens of an external issuer: which are accepted, and what becomes of their claims."""

import hashlib
import hmac
from asyncio import gather
from base64 import urlsafe_b64encode
from pathlib import Path
from time import monotonic, time
from typing import Any

import pytest
from bson import ObjectId
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.auth.authentication import Authentication
from app.auth.issuer import CACHED_FOR, Claims
from app.auth.token_errors import InvalidTokenError
from app.settings import Settings, SettingsError, load
from loaders.mongo.database import Database
from resolvers.context import Viewer
from tests import factories
from tests.app.issuers import (
    AUDIENCE,
    EC,
    INVALID,
    LATER,
    NAME,
    RSA,
    RSA2,
    TAKEN,
    Key,
    Server,
    ask,
    http,
    issuer,
    key_set,
    outcome,
)
from tests.support import TOKENS

# -- through HTTP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
@pytest.mark.parametrize("of", ["url", "file"])
async def test_tokens_of_an_issuer_are_accepted_beside_our_own(
    settings: Settings, database: Database, server: Server, tmp_path: Path, key: Key, of: str
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(server.body if isinstance(server.body, str) else "")
    async with http(settings, server.url if of == "url" else str(file)) as client:
        answer = await ask(client, key.token(name="Ada", roles=["STUDENT", "INSTRUCTOR"]))
        assert answer.json()["data"]["viewer"] == {
            "roles": ["STUDENT", "INSTRUCTOR"], "student": {"name": "Ada"}, "instructor": {"name": "Ada"},
        }  # fmt: skip
        ours = TOKENS.access(Viewer(frozenset(("STAFF",)), subject="an account")).text
        assert (await ask(client, ours)).json()["data"]["viewer"]["roles"] == ["STAFF"]
    assert server.fetches == (1 if of == "url" else 0)


async def test_an_invalid_token_is_a_401_and_one_that_cant_be_verified_a_503(
    settings: Settings, database: Database, server: Server
) -> None:
    async with http(settings, server.url) as client:
        answer = await ask(client, RSA.token(aud="another"))
        assert answer.status_code == 401
        challenge = 'error="invalid_token", error_description="The external issuer\'s token is not valid."'
        assert answer.headers["www-authenticate"] == f"Bearer {challenge}"
        assert answer.json()["errors"][0]["message"] == "The external issuer's token is not valid."
    server.status = 500
    async with http(settings, server.url) as client:
        answer = await ask(client, RSA.token())
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "10"
        extensions = {"code": "SERVICE_UNAVAILABLE", "retryAfter": 10}
        assert answer.json()["errors"][0]["extensions"] == extensions
        ours = TOKENS.access(Viewer(frozenset(("STAFF",)), subject="an account")).text
        assert (await ask(client, ours)).status_code == 200
        assert (await ask(client, "garbage")).status_code == 401


def test_no_issuer_may_have_our_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ISSUER", "lectern"), ("AUDIENCE", AUDIENCE), ("JWKS", NAME)):
        monkeypatch.setenv(f"OIDC_{name}", value)
    told = "LECTERN_OIDC_ISSUER must be a different name: `lectern` is the issuer of Lectern's own tokens."
    with pytest.raises(SettingsError, match=f"^{told}$"):
        load()


# -- accepted tokens ------------------------------------------------------------------------------------


def signed_with_the_public_key() -> str:
    """A token signed by HS256 with the public key as its secret, which everyone knows."""
    public = RSA.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = RSA.token().split(".")
    header = urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa","typ":"JWT"}').decode().rstrip("=")
    digest = hmac.digest(public, f"{header}.{payload}".encode(), hashlib.sha256)
    return f"{header}.{payload}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def unsigned() -> str:
    header = urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').decode().rstrip("=")
    return f"{header}.{RSA.token().split('.')[1]}."


ODD: dict[str, list[Any]] = {
    "exp": ["x", [], float("inf")],
    "sub": [1, [], {}, "", "\ud800"],
    "name": ["Ada \udfff"],
    "\ud800": [1],
    "iss": [1, [NAME], {}],
}
REFUSED = {
    "signed with the public key": signed_with_the_public_key(),
    "unsigned": unsigned(),
    "of another key": RSA2.token(kid="rsa"),
    "of a key of another kind": EC.token(kid="rsa"),
    "of no key": RSA.token(kid=None),
    "of a key that is not there": RSA.token(kid="none"),
    "expired": RSA.token(exp=time() - 1),
    "not yet good": RSA.token(nbf=LATER),
    "from the future": RSA.token(iat=LATER),
    "for another audience": RSA.token(aud="another"),
    "for other audiences": RSA.token(aud=["another", "a third"]),
    "of another issuer": RSA.token(iss=NAME + "/"),
    **{f"without {name}": RSA.token(without=name) for name in ("iss", "aud", "exp", "sub")},
    **{f"{name} {value}": RSA.token(**{name: value}) for name, values in ODD.items() for value in values},
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
async def test_an_invalid_token_of_the_issuer_is_refused(
    server: Server, database: Database, token: str
) -> None:
    assert await outcome(issuer(server.url), token, database) is INVALID
    assert await database["students"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (RSA.token(exp=time() - 1), "TOKEN_EXPIRED"),
        (RSA.token(exp=time() - 1, aud="another"), "UNAUTHENTICATED"),
        (RSA.token(exp=time() - 1, iss=NAME + "/"), "UNAUTHENTICATED"),
        (RSA.token(exp=time() - 1, nbf=LATER), "UNAUTHENTICATED"),
        (RSA.token(exp=time() - 1, without="sub"), "UNAUTHENTICATED"),
        (RSA.token(exp=time() - 1, name="\ud800"), "UNAUTHENTICATED"),
        (RSA2.token(exp=time() - 1, kid="rsa"), "UNAUTHENTICATED"),
        (RSA.token(aud="another"), "UNAUTHENTICATED"),
        (RSA.token(nbf=LATER), "UNAUTHENTICATED"),
    ],
)
async def test_only_a_token_that_is_right_but_for_its_age_is_called_expired(
    settings: Settings, database: Database, server: Server, token: str, code: str
) -> None:
    async with http(settings, server.url, oidc_leeway=0) as client:
        answer = await ask(client, token)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="')


async def test_clocks_may_differ_by_the_leeway(server: Server, database: Database) -> None:
    lenient = issuer(server.url, leeway=30)
    skewed: list[dict[str, Any]] = [{"exp": time() - 20}, {"nbf": time() + 20}, {"iat": time() + 20}]
    for times in skewed:
        assert await outcome(lenient, RSA.token(**times), database) == TAKEN
    assert await outcome(lenient, RSA.token(exp=time() - 31), database) is INVALID
    assert await outcome(lenient, RSA.token(nbf=time() + 40), database) is INVALID


async def test_one_of_a_tokens_audiences_must_be_the_gateways(server: Server, database: Database) -> None:
    assert await outcome(issuer(server.url), RSA.token(aud=["another", AUDIENCE]), database) == TAKEN


async def test_signature_algorithms_outside_the_settings_are_refused(
    server: Server, database: Database
) -> None:
    only = issuer(server.url, "ES256")
    assert await outcome(only, EC.token(), database) == TAKEN
    assert await outcome(only, RSA.token(), database) is INVALID


async def test_a_token_without_a_key_id_is_accepted_if_there_is_one_key(
    server: Server, database: Database
) -> None:
    server.body = key_set(RSA.public(), RSA2.public(use="enc"))
    assert await outcome(issuer(server.url), RSA.token(kid=None), database) == TAKEN


@given(st.text(alphabet=st.characters(max_codepoint=255)))
@examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_raises_only_the_refusal(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(key_set(RSA.public()))
    no_database: Any = None
    authentication = Authentication(TOKENS, issuer(file), lambda: no_database)
    for header in (text, f"Bearer {text}", f"Bearer {RSA.token()[:-4]}{text}"):
        with pytest.raises(InvalidTokenError):
            await authentication.viewer(header.encode("latin-1"))


# -- claims ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "claims", "roles"),
    [
        ("roles", {"roles": ["student", "Staff", "unknown"]}, {"STUDENT", "STAFF"}),
        ("roles", {"roles": "student staff"}, {"STUDENT", "STAFF"}),
        ("roles", {"roles": ["\u017ftaff", "\u0131nstructor", "student"]}, {"STUDENT"}),
        ("roles", {"roles": ["teacher", "head"]}, {"INSTRUCTOR", "STAFF"}),
        ("roles", {"roles": [1, None, ["STAFF"], {"STAFF": 1}, "student"]}, {"STUDENT"}),
        ("roles", {"roles": {"STAFF": 1}}, set()),
        ("roles", {"roles": 1}, set()),
        ("roles", {"roles": None}, set()),
        ("realm_access.roles", {"realm_access": {"roles": ["STAFF"]}}, {"STAFF"}),
        ("realm_access.roles", {"realm_access": ["STAFF"]}, set()),
        ("realm_access.roles", {"roles": ["STAFF"]}, set()),
        ("https://courses.example/roles", {"https://courses.example/roles": ["STAFF"]}, {"STAFF"}),
    ],
)
async def test_roles_are_in_the_claim_that_the_setting_names(
    server: Server, database: Database, path: str, claims: dict[str, Any], roles: set[str]
) -> None:
    names = {"teacher": "INSTRUCTOR", "head": "STAFF"}
    own = issuer(server.url, claims=Claims(path, names, "sub", "oidc"))
    assert await outcome(own, RSA.token(**claims), database) == roles


async def test_a_student_is_found_by_the_external_id(server: Server, database: Database) -> None:
    ada = factories.student("Ada", externalId={"source": "school", "id": "4711"})
    eve = factories.student("Eve", externalId={"source": "oidc", "id": "4711"})
    await database["students"].insert_many([ada, eve])
    own = issuer(server.url, claims=Claims("roles", {}, "student.number", "school"))
    for number in ("4711", 4711):
        viewer = await own.viewer(RSA.token(student={"number": number}, name="Other"), database, "")
        assert viewer.student_id == ada["_id"]
        assert viewer.subject == f"{NAME}|ada"
    assert await database["students"].count_documents({}) == 2


@pytest.mark.parametrize("number", [None, "", True, False, 1.5, [], ["4711"], {"id": "4711"}])
async def test_a_token_without_the_student_claim_has_no_student(
    server: Server, database: Database, number: Any
) -> None:
    """Its `sub` may be somebody else's number."""
    own = issuer(server.url, claims=Claims("roles", {}, "number", "school"))
    assert await outcome(own, RSA.token(sub="4711", number=number), database) is INVALID
    assert await outcome(own, RSA.token(sub="4711"), database) is INVALID
    staff = RSA.token(sub="4711", number=number, roles=["staff"])
    assert await outcome(own, staff, database) == {"STAFF"}  # whoever that is
    assert await database["students"].count_documents({}) == 0


async def test_a_new_student_is_added_once(server: Server, database: Database) -> None:
    gateways = [issuer(server.url) for _ in range(8)]
    token = RSA.token(roles=["student", "instructor"], name=" Ada\u202e ")
    viewers = await gather(*(own.viewer(token, database, "") for own in gateways for _ in range(3)))
    assert len(set(viewers)) == 1
    people = {"students": viewers[0].student_id, "instructors": viewers[0].instructor_id}
    for name, known in people.items():
        (added,) = await database[name].find().to_list(None)
        assert added["_id"] == known
        assert added["name"] == "Ada"
        assert added["externalId"] == {"source": "oidc", "id": "ada"}


@pytest.mark.parametrize(
    ("name", "called"),
    [
        (None, "Anonymous student"),
        (1, "Anonymous student"),
        (["Ada"], "Anonymous student"),
        ({}, "Anonymous student"),
        ("", "Anonymous student"),
        ("\u202e", "Anonymous student"),
        ("x" * 3_000, "x" * 200),
    ],
)
async def test_a_new_student_has_a_name_that_can_be_shown(
    server: Server, database: Database, name: Any, called: str
) -> None:
    viewer = await issuer(server.url).viewer(RSA.token(name=name), database, "")
    assert isinstance(viewer.student_id, ObjectId)
    (added,) = await database["students"].find().to_list(None)
    assert added["name"] == called


async def test_a_student_is_looked_up_once(
    server: Server, database: Database, mongo_commands: list[str]
) -> None:
    own = issuer(server.url)
    for _ in range(3):
        await own.viewer(RSA.token(), database, "")
    assert mongo_commands.count("find students") == 2  # outside of the transaction that adds it, and in it
    mongo_commands.clear()
    await issuer(server.url).viewer(RSA.token(), database, "")
    assert mongo_commands == ["find students"]


async def test_a_student_who_was_merged_meanwhile_is_looked_up_again(
    server: Server, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has merged the student into another one, to whom the external id has moved."""
    own = issuer(server.url)
    before = (await own.viewer(RSA.token(), database, "")).student_id
    stays = factories.student()
    student = await database["students"].find_one_and_delete({"_id": before})
    assert student
    await database["students"].insert_one({**stays, "externalId": student["externalId"]})
    later = monotonic() + CACHED_FOR
    monkeypatch.setattr("app.auth.issuer.monotonic", lambda: later - 1)
    assert (await own.viewer(RSA.token(), database, "")).student_id == before
    monkeypatch.setattr("app.auth.issuer.monotonic", lambda: later + 1)
    assert (await own.viewer(RSA.token(), database, "")).student_id == stays["_id"]


@pytest.mark.parametrize("is_gone", [True, False])
async def test_nothing_is_written_in_the_name_of_a_student_who_was_merged(
    settings: Settings, database: Database, server: Server, is_gone: bool
) -> None:
    text = 'mutation { updateProfile(input: {bio: "I write."}) { errors { code } } }'
    async with http(settings, server.url) as client:
        headers = {"authorization": f"Bearer {RSA.token()}"}
        answer = await client.post("/graphql", json={"query": text}, headers=headers)
        assert answer.json()["data"]["updateProfile"] == {"errors": []}
        if is_gone:
            await database["students"].delete_many({})
        else:
            await database["students"].update_one({}, {"$set": {"mergedInto": ObjectId()}})
        answer = await client.post("/graphql", json={"query": text}, headers=headers)
        assert answer.json()["data"]["updateProfile"] == {"errors": [{"code": "CONFLICT"}]}


async def test_each_person_who_is_added_is_in_the_audit_log(
    settings: Settings, database: Database, server: Server
) -> None:
    token = RSA.token(name="Ada", roles=["STUDENT", "INSTRUCTOR"])
    async with http(settings, server.url) as client:
        for _ in range(2):
            await ask(client, token)
    entries = await database["auditLog"].find(sort=[("_id", 1)]).to_list(None)
    for entry, (collection, own_id) in zip(
        entries, (("students", "studentId"), ("instructors", "instructorId")), strict=True
    ):
        (person,) = await database[collection].find().to_list(None)
        nobody = {"studentId": None, "instructorId": None}
        actor = {
            "subject": f"{NAME}|ada",
            "roles": ["INSTRUCTOR", "STUDENT"],
            **nobody,
            own_id: person["_id"],
        }
        assert (entry["action"], entry["actor"], entry["address"]) == ("external sign-in", actor, "127.0.0.1")
        (change,) = entry["changes"]
        assert (change["collection"], change["documentId"], change["before"]) == (
            collection, str(person["_id"]), None,
        )  # fmt: skip
        assert (change["after"]["name"], change["after"]["externalId"]["id"]) == ("Ada", "ada")


async def test_nobody_is_added_if_the_audit_log_cant_be_written(
    server: Server, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr("loaders.audit.record", fail)
    with pytest.raises(InterruptedError):
        await issuer(server.url).viewer(RSA.token(), database, "")
    assert await database["students"].count_documents({}) == 0


async def test_a_lookup_by_an_external_id_uses_the_index(database: Database) -> None:
    query = {"externalId.source": {"$eq": "oidc"}, "externalId.id": {"$eq": "ada"}}
    told = await database.driver.command("explain", {"find": "students", "filter": query})
    assert "externalId.source_1_externalId.id_1" in str(told["queryPlanner"]["winningPlan"])
