"""`lectern account`, and the students and instructors whom an import has brought."""

from bson import ObjectId

from resolvers.relay import ids
from tests import factories
from tests.app.office import ADA, PASSWORD, SESSION, Office


def test_an_account_is_created_for_an_existing_instructor(office: Office) -> None:
    grace = factories.instructor("Grace")
    office.database["instructors"].insert_one(grace)
    graces = ids.encode_id("Instructor", grace)
    viewer = office.set_password(office.ok("create", ADA, "--instructor", graces))["viewer"]
    assert viewer == {"roles": ["INSTRUCTOR"], "student": None, "instructor": {"name": "Grace"}}
    told = office.refused("create", "eve@example.org", "--instructor", graces)
    assert told == f"Grace already has an account: {ADA}."
    nobody = ids.encode_id("Instructor", {"_id": ObjectId()})
    told = office.refused("create", "eve@example.org", "--name", "Eve", "--instructor", nobody)
    assert told == "There is no instructor with this ID."
    assert office.database["accounts"].count_documents({}) == 1
    assert office.database["instructors"].count_documents({}) == 1


def test_a_student_becomes_a_new_or_an_existing_instructor(office: Office) -> None:
    new = {"name": "Bob", "email": "bob@example.org", "password": PASSWORD}
    session = office.mutate("signUp", new, SESSION)
    office.ok("roles", "bob@example.org", "--add", "INSTRUCTOR")
    assert office.sign_in("bob@example.org")["viewer"]["instructor"] == {"name": "Bob"}
    robert = factories.instructor("Robert")
    office.database["instructors"].insert_one(robert)
    office.ok("roles", "bob@example.org", "--instructor", ids.encode_id("Instructor", robert))
    assert office.sign_in("bob@example.org")["viewer"]["instructor"] == {"name": "Robert"}
    refreshed = office.mutate("refreshSession", {"refreshToken": session["refreshToken"]}, SESSION)
    assert refreshed["errors"] == [{"code": "UNAUTHENTICATED"}]


def test_a_name_that_an_instructor_without_an_account_has_is_refused(office: Office) -> None:
    """For a new account and for a new role, in any case; unless the operator insists."""
    grace = factories.instructor("Grace")
    office.database["instructors"].insert_one(grace)
    graces = ids.encode_id("Instructor", grace)
    create = ("create", ADA, "--name", "grace", "--role", "INSTRUCTOR")
    told = office.refused(*create)
    assert told.startswith(f"The instructor Grace has no account yet: {graces}.")
    assert "--instructor" in told
    assert "--new-instructor" in told
    assert office.database["accounts"].count_documents({}) == 0
    office.ok("create", "bob@example.org", "--name", "Grace", "--role", "STUDENT")
    assert office.refused("roles", "bob@example.org", "--add", "INSTRUCTOR") == told
    office.ok(*create, "--new-instructor")
    assert office.database["instructors"].count_documents({}) == 2
    office.ok("roles", "bob@example.org", "--instructor", graces)
    office.ok("create", "eve@example.org", "--name", "Grace", "--role", "INSTRUCTOR")  # all have accounts


def test_an_account_is_linked_to_an_imported_person(office: Office) -> None:
    student, grace = factories.student("Ada L."), factories.instructor("Grace")
    office.database["students"].insert_one(student)
    office.database["instructors"].insert_one(grace)
    session = office.set_password(office.ok("create", ADA, "--name", "Ada", "--role", "STAFF"))
    link = ("link", ADA, "--student", ids.encode_id("Student", student))
    assert office.run(*link).stderr == f"{ADA} is linked.\n"
    assert office.run(*link).stderr == f"{ADA} was already linked.\n"
    office.ok("link", ADA, "--instructor", ids.encode_id("Instructor", grace))
    viewer = office.mutate("refreshSession", {"refreshToken": session["refreshToken"]}, SESSION)["viewer"]
    assert viewer["roles"] == ["STUDENT", "INSTRUCTOR", "STAFF"]
    assert (viewer["student"]["name"], viewer["instructor"]["name"]) == ("Ada L.", "Grace")
    office.ok("create", "eve@example.org", "--name", "Eve", "--role", "STAFF")
    told = office.refused("link", "eve@example.org", *link[2:])
    assert told == f"Ada L. already has an account: {ADA}."
    nobody = ids.encode_id("Student", {"_id": ObjectId()})
    assert office.refused("link", ADA, "--student", nobody) == "There is no student with this ID."
    assert office.run("link", ADA).exit_code == 2
    actions = [entry["action"] for entry in office.database["auditLog"].find()]
    assert actions.count("account link") == 2


def test_a_student_who_was_imported_gets_an_account(office: Office) -> None:
    ada = factories.student("Ada L.", email=ADA, externalId={"source": "school", "id": "1"})
    office.database["students"].insert_one(ada)
    key = ids.encode_id("Student", ada)
    office.set_password(office.ok("create", ADA, "--student", key))
    assert office.account()["studentId"] == ada["_id"]
    assert office.sign_in()["viewer"] == {
        "roles": ["STUDENT"], "student": {"name": "Ada L.", "email": ADA}, "instructor": None
    }  # fmt: skip
    assert office.database["students"].count_documents({}) == 1
    other = office.refused("create", "eve@example.org", "--student", key)
    assert other == f"Ada L. already has an account: {ADA}."
    gone = ids.encode_id("Student", factories.student())
    assert (
        office.refused("create", "eve@example.org", "--student", gone) == "There is no student with this ID."
    )


def test_students_with_the_address_of_a_new_account_are_reported(office: Office) -> None:
    ada = factories.student("Ada L.", email=ADA)
    office.database["students"].insert_one(ada)
    told = office.run("create", ADA, "--name", "Ada", "--role", "STUDENT").stderr
    assert f"Ada L. has this e-mail address too: {ids.encode_id('Student', ada)}" in told
    assert "--student ID" in told
    assert "too:" not in office.run("create", "eve@example.org", "--name", "Eve", "--role", "STUDENT").stderr


def test_a_new_student_of_an_account_is_compared_with_the_imported_ones(office: Office) -> None:
    """Who has the role already, or gets no new student, is told nothing."""
    office.ok("create", ADA, "--name", "Ada", "--role", "STAFF")
    ada = factories.student("Ada L.", email=ADA)
    office.database["students"].insert_one(ada)
    key = ids.encode_id("Student", ada)
    told = office.run("roles", ADA, "--add", "STUDENT").stderr
    assert f"Ada L. has this e-mail address too: {key}" in told
    assert f"  lectern account link {ADA} --student ID" in told
    assert "too:" not in office.run("roles", ADA, "--add", "STUDENT").stderr
    office.ok("link", ADA, "--student", key)
    assert office.database["students"].count_documents({}) == 1
    assert office.account()["studentId"] == office.database["students"].find_one({})["_id"]  # type: ignore[index]


def test_a_repeated_command_writes_nothing(office: Office) -> None:
    """Commands that change nothing write nothing."""
    office.ok("create", "root@example.org", "--name", "Root", "--role", "STAFF")
    office.ok("create", ADA, "--name", "Ada", "--role", "STUDENT")
    names = office.database.list_collection_names()
    for command in (
        ("roles", "--add", "STAFF"),
        ("deactivate",),
        ("activate",),
        ("roles", "--remove", "STAFF"),
    ):
        office.ok(command[0], ADA, *command[1:])
        before = [list(office.database[name].find()) for name in names]
        office.ok(command[0], ADA, *command[1:])
        assert [list(office.database[name].find()) for name in names] == before, command


def test_case_and_accents_make_no_other_instructor(office: Office) -> None:
    for number, (stored, name) in enumerate(
        [("José Núñez", "jose nunez"), ("Zoë", "ZOE"), ("Zoe\u0308 B.", "Zo\u00eb b."), ("Ørsted", "ørsted")]
    ):
        office.database["instructors"].insert_one(factories.instructor(stored))
        told = office.refused("create", f"{number}{ADA}", "--name", f"  {name} ", "--role", "INSTRUCTOR")
        assert told.startswith(f"The instructor {stored} has no account yet: ")
    assert office.database["accounts"].count_documents({}) == 0
