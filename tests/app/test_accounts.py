"""`lectern account`, and its output used on a gateway."""

import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app import development
from app.settings import Settings
from resolvers.relay import ids
from tests.app.office import ADA, PASSWORD, SESSION, Office
from tests.command import LECTERN, lectern


def test_the_first_member_of_staff_sets_a_password_and_signs_in(office: Office) -> None:
    token = office.ok("create", " Ada@Example.org ", "--name", "Ada", "--role", "STAFF")
    assert office.set_password(token)["viewer"] == {"roles": ["STAFF"], "student": None, "instructor": None}
    assert office.sign_in()["viewer"]["roles"] == ["STAFF"]
    assert office.set_password(token)["errors"] == [{"code": "EXPIRED"}]


def test_a_token_is_stored_as_its_digest_and_valid_for_a_day(office: Office) -> None:
    token = office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    assert office.account()["passwordHash"] is None
    (stored,) = office.database["accountTokens"].find()
    assert stored["_id"] == sha256(token.encode()).hexdigest()
    names = office.database.list_collection_names()
    assert token not in repr([list(office.database[name].find()) for name in names])
    left = stored["expiresAt"] - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    over = {"$set": {"expiresAt": datetime.now(UTC)}}
    office.database["accountTokens"].update_one({}, over)
    assert office.set_password(token)["errors"] == [{"code": "EXPIRED"}]


def test_nobody_signs_in_before_a_password_is_set(office: Office) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    assert office.sign_in()["errors"] == [{"code": "UNAUTHENTICATED"}]


def test_the_example_that_is_printed_with_a_token_works(office: Office) -> None:
    told = office.run("create", ADA, "--name", "Ada", "--role", "STAFF")
    match = re.search(r"-d '(.*)'", told.stderr, re.DOTALL)
    assert match
    body = match[1].replace("THE TOKEN", told.stdout.strip()).replace("NEW PASSWORD", PASSWORD)
    answer = httpx.post(
        f"{office.url}/graphql", content=body, headers={"content-type": "application/json"}
    ).json()
    assert answer["data"]["resetPassword"]["errors"] == []
    assert office.sign_in()["errors"] == []


def test_the_example_has_the_address_of_the_gateway_that_uses_the_database(
    office: Office, office_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    directory = development.directory(None)
    directory.mkdir(parents=True)
    usual = "token (change the address if your gateway has another one):\n\n  curl http://localhost:8000/"
    assert usual in office.run("create", ADA, "--name", "Ada", "--role", "STAFF").stderr
    own = Settings(
        mongodb_uri=SecretStr(office_environment["LECTERN_MONGODB_URI"]),
        mongodb_database=office_environment["LECTERN_MONGODB_DATABASE"],
    )
    for changed in ({"mongodb_uri": SecretStr("mongodb://127.0.0.1:1/")}, {"mongodb_database": "another"}):
        development.record_url(directory, "http://127.0.0.1:8123", own.model_copy(update=changed))
        assert usual in office.run("reset", ADA).stderr
    development.record_url(directory, "http://127.0.0.1:8123", own)
    assert "To try the token:\n\n  curl http://127.0.0.1:8123/graphql" in office.run("reset", ADA).stderr


def test_a_link_is_printed_if_reset_url_is_set(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_RESET_URL", "https://courses.example/reset#{token}")
    told = office.run("create", ADA, "--name", "Ada", "--role", "STAFF")
    match = re.fullmatch(r"https://courses\.example/reset#([\w-]{43})\n", told.stdout)
    assert match, told.stdout
    assert match[1] not in told.stderr
    assert office.set_password(match[1])["errors"] == []


def test_a_reset_voids_earlier_tokens_and_keeps_the_password_until_it_is_used(
    office: Office,
) -> None:
    office.set_password(office.ok("create", ADA, "--name", "Ada", "--role", "STAFF"))
    first, second = office.ok("reset", ADA), office.ok("reset", ADA.upper())
    assert office.sign_in()["errors"] == []
    assert office.set_password(first)["errors"] == [{"code": "EXPIRED"}]
    assert office.set_password(second)["errors"] == []


def test_a_reset_link_is_sent_instead_of_printed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    token = office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    told = office.refused("reset", ADA, "--send")
    assert told.startswith(
        "Nothing is sent, because neither LECTERN_SMTP_URL nor LECTERN_MESSAGES_URL is set."
    )
    for name, value in {
        "SMTP_URL": "smtp://127.0.0.1:1?starttls=off",
        "MAIL_FROM": "Example Institute <courses@example.org>",
        "VERIFY_URL": "https://courses.example/verify#{token}",
        "RESET_URL": "https://courses.example/reset#{token}",
    }.items():
        monkeypatch.setenv(f"LECTERN_{name}", value)
    done = office.run("reset", ADA, "--send")
    assert done.exception is None
    assert done.stdout == ""
    assert f"A gateway will send a link to {ADA}." in done.stderr
    (message,) = office.database["outbox"].find()
    assert (message["kind"], message["to"]) == ("message.reset_password", None)
    assert message["data"]["accountId"] == office.account()["_id"]
    assert message["expiresOn"] - message["at"] == timedelta(hours=24)
    assert office.set_password(token)["errors"] == [{"code": "EXPIRED"}]
    actions = [entry["action"] for entry in office.database["auditLog"].find(sort=[("at", 1)])]
    assert actions == ["account create", "account reset"]
    assert "has no account" in office.refused("reset", "bob@example.org", "--send")
    office.ok("deactivate", ADA, "--yes-even-last")
    assert "is deactivated" in office.refused("reset", ADA, "--send")


def test_create_refuses_a_known_address_and_reset_an_unknown_one(office: Office) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    told = office.refused("create", "ADA@example.org", "--name", "Ada", "--role", "STAFF")
    assert told.startswith("ada@example.org already has an account.\n  lectern account reset ada@example.org")
    for command in ("reset", "roles"):
        assert "eve@example.org has no account." in office.refused(command, "eve@example.org")
    assert office.database["accounts"].count_documents({}) == 1


def test_students_and_instructors_are_created_with_their_accounts(office: Office) -> None:
    roles = ("--role", "instructor", "--role", "STUDENT")
    token = office.ok("create", ADA, "--name", " \u202eAda Lovelace ", *roles)
    viewer = office.set_password(token)["viewer"]
    assert viewer == {
        "roles": ["STUDENT", "INSTRUCTOR"],
        "student": {"name": "Ada Lovelace", "email": ADA},
        "instructor": {"name": "Ada Lovelace"},
    }


def test_roles_are_printed(office: Office) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STAFF", "--role", "STUDENT")
    assert office.ok("roles", ADA).split() == ["STUDENT", "STAFF"]


def test_an_added_role_creates_the_person_once(office: Office) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    assert office.ok("roles", ADA, "--add", "STUDENT", "--add", "INSTRUCTOR").split() == [
        "STUDENT",
        "INSTRUCTOR",
        "STAFF",
    ]
    made = office.account()
    office.ok("roles", ADA, "--remove", "STUDENT")
    office.ok("roles", ADA, "--add", "STUDENT")
    assert office.account() == made
    student = office.database["students"].find_one({"_id": made["studentId"]})
    assert student
    assert (student["name"], student["email"], student["sortName"]) == ("Ada", ADA, "ada")
    instructor = office.database["instructors"].find_one({"_id": made["instructorId"]})
    assert instructor
    assert (instructor["name"], instructor["slug"], instructor["sortName"]) == ("Ada", "ada", "ada")


def test_a_removed_role_ends_the_sessions(office: Office) -> None:
    office.ok("create", "root@example.org", "--name", "Root", "--role", "STAFF")
    roles = ("--role", "STAFF", "--role", "STUDENT")
    session = office.set_password(office.ok("create", ADA, "--name", "Ada", *roles))
    told = office.run("roles", ADA, "--remove", "staff")
    assert told.stdout.split() == ["STUDENT"]
    assert "10 minutes" in told.stderr
    refused = office.mutate(
        "updateProfile", {"bio": "I was here."}, "{ errors { code } }", session["accessToken"]
    )
    assert refused["errors"] == [{"code": "UNAUTHENTICATED"}]
    refreshed = office.mutate("refreshSession", {"refreshToken": session["refreshToken"]}, SESSION)
    assert refreshed["errors"] == [{"code": "UNAUTHENTICATED"}]
    assert office.sign_in()["viewer"]["roles"] == ["STUDENT"]


def test_a_session_continues_with_an_added_role(office: Office) -> None:
    session = office.set_password(office.ok("create", ADA, "--name", "Ada", "--role", "STAFF"))
    office.ok("roles", ADA, "--add", "STUDENT", "--remove", "INSTRUCTOR")
    refreshed = office.mutate("refreshSession", {"refreshToken": session["refreshToken"]}, SESSION)
    assert refreshed["viewer"]["roles"] == ["STUDENT", "STAFF"]


# -- the last of staff ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("roles", ADA, "--remove", "STAFF"), ("deactivate", ADA)])
def test_the_last_staff_stays_unless_the_operator_insists(office: Office, command: tuple[str, ...]) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    told = office.refused(*command)
    assert told.startswith(f"{ADA} is the last active account with the role STAFF.")
    assert "--yes-even-last" in told
    assert office.account()["roles"] == ["STAFF"]
    office.ok("create", "bob@example.org", "--name", "Bob", "--role", "STAFF")
    office.ok(*command)
    bobs = [argument.replace(ADA, "bob@example.org") for argument in command]
    office.refused(*bobs)
    office.ok(*bobs, "--yes-even-last")
    assert office.database["accounts"].count_documents({"roles": "STAFF", "status": None}) == 0


# -- deactivation ---------------------------------------------------------------------------------------


def test_nobody_signs_in_to_a_deactivated_account(office: Office) -> None:
    office.ok("create", "root@example.org", "--name", "Root", "--role", "STAFF")
    session = office.set_password(office.ok("create", ADA, "--name", "Ada", "--role", "STUDENT"))
    told = office.run("deactivate", ADA.upper())
    assert told.stderr.startswith(f"{ADA} is deactivated. The account's sessions have ended.")
    assert office.sign_in()["errors"] == [{"code": "FORBIDDEN"}]
    refreshed = office.mutate("refreshSession", {"refreshToken": session["refreshToken"]}, SESSION)
    assert refreshed["errors"] == [{"code": "UNAUTHENTICATED"}]
    assert "lectern account activate ada@example.org" in office.refused("reset", ADA)
    assert office.run("deactivate", ADA).stderr == f"{ADA} was already deactivated.\n"
    assert office.run("activate", ADA).stderr == f"{ADA} is active again.\n"
    assert office.run("activate", ADA).stderr == f"{ADA} was already active.\n"
    assert office.sign_in()["errors"] == []
    actions = [entry["action"] for entry in office.database["auditLog"].find(sort=[("at", 1)])]
    assert actions[-3:] == ["account deactivate", "account activate", "signIn"]


# -- lists ----------------------------------------------------------------------------------------------


def test_accounts_are_listed_by_name(office: Office) -> None:
    office.ok("create", "zoe@example.org", "--name", "Zoë", "--role", "STUDENT", "--role", "STAFF")
    office.set_password(office.ok("create", ADA, "--name", "Ada", "--role", "STUDENT"))
    office.ok("deactivate", ADA)
    first, second = office.ok("list").splitlines()
    assert re.fullmatch(r"ada@example.org +Ada +STUDENT +DEACTIVATED +\d{4}-\d\d-\d\d \d\d:\d\d", first)
    assert re.split("  +", second) == ["zoe@example.org", "Zoë", "STUDENT, STAFF", "ACTIVE", "-"]
    for arguments, found in (
        (("--search", "ad"), first), (("--search", "ZOE@example.org"), second), (("--role", "staff"), second),
        (("--role", "INSTRUCTOR", "--role", "STAFF"), second), (("--status", "deactivated"), first),
    ):  # fmt: skip
        assert [line.split() for line in office.ok("list", *arguments).splitlines()] == [found.split()]
    assert office.run("list", "--search", "eve").stderr == "There is no such account.\n"
    told = office.run("list", "--limit", "1")
    assert told.stdout.split() == first.split()
    assert told.stderr == "These are 1 of 2 accounts: use --search, --role, --status or --limit.\n"


def test_an_account_is_shown_with_the_ids_of_its_people(office: Office) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STUDENT", "--role", "INSTRUCTOR")
    account = office.account()
    shown = dict(re.split("  +", line) for line in office.ok("show", ADA).splitlines())
    student = ids.encode_id("Student", {"_id": account["studentId"]})
    instructor = ids.encode_id("Instructor", {"_id": account["instructorId"]})
    assert shown["email"] == ADA
    assert (shown["student"], shown["instructor"]) == (f"Ada ({student})", f"Ada ({instructor})")
    (row,) = json.loads(office.ok("show", ADA, "--json"))
    assert row["id"] == ids.encode_id("Account", account)
    (listed,) = json.loads(office.ok("list", "--json"))
    assert listed.items() <= row.items()
    assert "eve@example.org has no account." in office.refused("show", "eve@example.org")


def test_a_role_is_required(office: Office) -> None:
    done = office.run("create", ADA, "--name", "Ada")
    assert done.exit_code == 2
    assert "STAFF, INSTRUCTOR or STUDENT" in done.output
    assert office.database["accounts"].count_documents({}) == 0


def test_an_account_without_roles_is_reported(office: Office) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STUDENT")
    told = office.run("roles", ADA, "--remove", "STUDENT")
    assert (told.stdout, told.stderr.splitlines()[0]) == ("", f"{ADA} has no roles left.")


def test_every_change_is_in_the_audit_log_without_secrets(office: Office) -> None:
    office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    office.ok("reset", ADA)
    office.ok("roles", ADA, "--add", "STUDENT")
    office.ok("roles", ADA)
    office.ok("roles", ADA, "--add", "STUDENT")
    entries = list(office.database["auditLog"].find(sort=[("at", 1)]))
    assert [entry["action"] for entry in entries] == ["account create", "account reset", "account roles"]
    assert {(entry["actor"]["subject"], entry["address"]) for entry in entries} == {("command line", "")}
    created, reset, roles = (
        {change["collection"]: change["after"] for change in entry["changes"]} for entry in entries
    )
    assert created["accounts"]["roles"] == ["STAFF"]
    assert reset["accountTokens"]["accountId"] == str(office.account()["_id"])
    assert "email" not in reset["accountTokens"]
    assert roles["accounts"]["roles"] == ["STUDENT", "STAFF"]
    assert roles["students"]["name"] == "Ada"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "ada", "--name", "Ada"), "Enter an e-mail address"),
        (("create", ADA), "--name"),
        (("create", ADA, "--name", "\u200b "), "This can't be empty."),
        (("create", ADA, "--name", "Ada", "--role", "tutor"), "'tutor' is not one of STUDENT, INSTRUCTOR"),
        (("create", ADA, "--instructor", "grace"), "There is no instructor with this ID."),
        (("roles", ADA, "--add", "STAFF", "--remove", "staff"), "STAFF can't be both added and removed"),
        (("list", "--status", "gone"), "'gone' is not one of ACTIVE, DEACTIVATED."),
        (("link", ADA, "--student", "ada"), "There is no student with this ID."),
        (("link", ADA), "Give either a student or an instructor."),
    ],
)  # fmt: skip
def test_an_invalid_value_is_reported(office: Office, arguments: tuple[str, ...], told: str) -> None:
    result = office.run(*arguments)
    assert result.exit_code == 2
    assert told in re.sub(r"[│\s]+", " ", result.stderr)
    assert office.database["accounts"].count_documents({}) == 0


def test_an_error_is_reported_in_a_sentence(office: Office) -> None:
    done = lectern("account", "reset", "eve@example.org")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "eve@example.org has no account. To create one:"
    assert f"  {LECTERN} account create eve@example.org" in done.stderr
