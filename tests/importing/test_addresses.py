"""The e-mail addresses of imported students."""

from tests import factories
from tests.importing.shell import Shell

STUDENTS = "id,name,email\n1,Ada, Ada@Example.ORG \n2,Bob,bob@example.org\n"
SHARED = "students whose e-mail address another student has too"


def imported(shell: Shell, text: str, source: str = "s") -> str:
    """Imports a file of students, and returns what is printed, on one line."""
    result = shell.run("import", "students", shell.write("students.csv", text), "--source", source)
    assert result.exception is None, result.output
    return " ".join(result.stdout.split())


def test_an_address_is_stored_in_lower_case(shell: Shell) -> None:
    imported(shell, STUDENTS)
    assert sorted(s["email"] for s in shell.all("students")) == ["ada@example.org", "bob@example.org"]
    assert "unchanged 2 " in imported(shell, STUDENTS)


def test_an_export_of_an_earlier_version_is_imported_in_lower_case(shell: Shell) -> None:
    imported(shell, STUDENTS)
    file = shell.directory / "export.ndjson"
    assert shell.run("export", "students", file).exception is None
    file.write_text(file.read_text("utf-8").replace("ada@example.org", "Ada@Example.ORG"), "utf-8")
    shell.ok("import", "students", file)
    assert sorted(s["email"] for s in shell.all("students")) == ["ada@example.org", "bob@example.org"]


def test_shared_addresses_are_reported_with_an_example(shell: Shell) -> None:
    assert SHARED not in imported(shell, STUDENTS)
    printed = imported(shell, "id,name,email\n1,A. L.,ADA@example.org\n2,Cy,\n3,Di,\n", "other")
    assert f"note: {SHARED}; `lectern check` lists them 2 (e.g. ada@example.org)" in printed
    assert shell.run("check").exit_code == 1


def test_an_account_with_a_verified_address_gets_its_student(shell: Shell) -> None:
    own = factories.student("Ada", email="ada@example.org")
    shell.database["students"].insert_one(own)
    account = {"email": "ada@example.org", "studentId": own["_id"], "emailVerifiedAt": factories.T0}
    shell.database["accounts"].insert_one(account)
    printed = imported(shell, STUDENTS)
    assert "note: students who already have an account with their address 1 " in printed
    assert SHARED not in printed
    ada = shell.database["students"].find_one({"email": "ada@example.org"})
    assert ada
    assert (ada["_id"], ada["externalId"]) == (own["_id"], {"source": "s", "id": "1"})
    assert "unchanged 2" in imported(shell, STUDENTS)
