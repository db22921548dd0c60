"""A form shows every error in another language, from its `reason`, its `params` and the schema alone."""

import ast
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple, get_args

import pytest
from bson import ObjectId
from graphql import GraphQLEnumType, get_named_type, get_nullable_type, is_list_type

from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.errors import Reason
from resolvers.relay import encode_id
from resolvers.schema import schema
from tests import factories
from tests.support import TOKENS
from tests.writes.support import (
    DAY,
    SOON,
    STAFF,
    Doc,
    Gateway,
    Json,
    Value,
    as_student,
    course_id,
    run_id,
    run_of,
    stored,
)

_FIELDS = schema.mutation_type.fields  # type: ignore[union-attr] # the schema has mutations

#: A German client's sentences. "TOO_LONG of a list" is for a value that the schema says is a list.
GERMAN = {
    "REQUIRED": "Bitte ausfüllen.",
    "REQUIRED before": "Vorher fehlt noch: {field}.",
    "TOO_SHORT": "Bitte mindestens {min} Zeichen eingeben.",
    "TOO_LONG": "Bitte höchstens {max} Zeichen eingeben.",
    "TOO_LONG of a list": "Bitte höchstens {max} Einträge auswählen.",
    "TOO_LONG in a list": "Eintrag {item}: Bitte höchstens {max} Zeichen eingeben.",
    "TOO_LONG of a search": "Bitte höchstens {maxWords} Wörter eingeben.",
    "TOO_SMALL": "Bitte mindestens {min} angeben.",
    "TOO_LARGE": "Bitte höchstens {max} angeben.",
    "NOT_AN_EMAIL": "Das ist keine E-Mail-Adresse.",
    "NOT_A_URL": "Bitte eine Adresse mit https:// oder http:// angeben.",
    "NOT_HTTPS": "Bitte eine Adresse mit https:// angeben.",
    "NOT_A_SLUG": "Bitte nur Kleinbuchstaben, Ziffern und einzelne Bindestriche verwenden.",
    "NOT_A_TERM": "Bitte Jahr und Nummer angeben, etwa 2014-3.",
    "UNKNOWN_CURRENCY": "Diese Währung gibt es nicht.",
    "UNKNOWN_COUNTRY": "Dieses Land gibt es nicht.",
    "UNKNOWN_LANGUAGE": "Diese Sprache gibt es nicht.",
    "IN_THE_PAST": "Dieser Durchgang hat am {startsAt} begonnen.",
    "ENDS_BEFORE_START": "Das Ende muss nach dem {startsAt} liegen.",
    "WEAK_PASSWORD": "Bitte mindestens {min} verschiedene Zeichen verwenden.",
    "WRONG_PASSWORD": "Das ist nicht das bisherige Passwort.",
}


def sentence(error: Json, *, is_list: bool) -> str:
    """Returns the German sentence for an error. It must use all of the error's params."""
    key, params = error["reason"], error["params"] or {}
    if "item" in params and f"{key} in a list" in GERMAN:
        key += " in a list"
        params = params | {"item": params["item"] + 1}
    elif is_list and f"{key} of a list" in GERMAN:
        key += " of a list"
    elif "field" in params:
        key += " before"
    assert {name for _, name, _, _ in Formatter().parse(GERMAN[key]) if name} == params.keys()
    return GERMAN[key].format(**{name: shown(value) for name, value in params.items()})


def shown(value: Value) -> str:
    if isinstance(value, str) and value[10:11] == "T":
        return f"{datetime.fromisoformat(value):%d.%m.%Y}"
    return str(value).replace(".", ",")


class Case(NamedTuple):
    """A mutation with one invalid value. path: that of the value in the input."""

    mutation: str
    path: str
    value: Value
    sentence: str
    reason: str


COURSE: Doc = {"title": "A"}
SIGN_UP: Doc = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
RUN: Doc = {"startsAt": "2030-05-01T09:00:00Z", "deliveryMode": "ONLINE"}

CASES = [
    Case("createCourse", "title", " ", "Bitte ausfüllen.", "REQUIRED"),
    Case("createCourse", "slug", None, "Bitte ausfüllen.", "REQUIRED"),
    Case("createCourse", "idempotencyKey", "", "Bitte ausfüllen.", "REQUIRED"),
    Case("signUp", "password", "short", "Bitte mindestens 10 Zeichen eingeben.", "TOO_SHORT"),
    Case("createCourse", "title", "x" * 201, "Bitte höchstens 200 Zeichen eingeben.", "TOO_LONG"),
    Case("createCourse", "description", "x" * 90_000, "Bitte höchstens 20000 Zeichen eingeben.", "TOO_LONG"),
    Case("createCourse", "codes", ["x"] * 21, "Bitte höchstens 20 Einträge auswählen.", "TOO_LONG"),
    Case("createCourse", "tags", ["a", "x" * 41], "Eintrag 2: Bitte höchstens 40 Zeichen eingeben.",
         "TOO_LONG"),
    Case("createCourse", "durationDays", 0, "Bitte mindestens 1 angeben.", "TOO_SMALL"),
    Case("createCourseRun", "startsAt", "1969-12-31T00:00:00Z", "Bitte mindestens 01.01.1970 angeben.",
         "TOO_SMALL"),
    Case("createCourse", "price.amountMinor", {"amountMinor": 2_000_000_001, "currency": "EUR"},
         "Bitte höchstens 2000000000 angeben.", "TOO_LARGE"),
    Case("createCourseRun", "endsAt", "2200-01-01T00:00:00Z", "Bitte höchstens 31.12.2199 angeben.",
         "TOO_LARGE"),
    Case("signUp", "email", "ada", "Das ist keine E-Mail-Adresse.", "NOT_AN_EMAIL"),
    Case("updateProfile", "avatarUrl", "ftp://a.example",
         "Bitte eine Adresse mit https:// oder http:// angeben.", "NOT_A_URL"),
    Case("createCategory", "imageUrl", "http://a.example/i.png", "Bitte eine Adresse mit https:// angeben.",
         "NOT_HTTPS"),
    Case("createCategory", "imageUrl", "https://a.example:99999/i.png",
         "Bitte eine Adresse mit https:// oder http:// angeben.", "NOT_A_URL"),
    Case("createCourse", "slug", "No Slug",
         "Bitte nur Kleinbuchstaben, Ziffern und einzelne Bindestriche verwenden.", "NOT_A_SLUG"),
    Case("createReview", "term", "2014", "Bitte Jahr und Nummer angeben, etwa 2014-3.", "NOT_A_TERM"),
    Case("createCourse", "price.currency", {"amountMinor": 1, "currency": "SQL"},
         "Diese Währung gibt es nicht.", "UNKNOWN_CURRENCY"),
    Case("updateProfile", "country", "XX", "Dieses Land gibt es nicht.", "UNKNOWN_COUNTRY"),
    Case("createCourse", "language", "english!", "Diese Sprache gibt es nicht.", "UNKNOWN_LANGUAGE"),
    Case("enroll", "runId", "the run that has started", "Dieser Durchgang hat am 01.02.2020 begonnen.",
         "IN_THE_PAST"),
    Case("createCourseRun", "endsAt", "2030-05-01T09:00:00Z", "Das Ende muss nach dem 01.05.2030 liegen.",
         "ENDS_BEFORE_START"),
    Case("updateCourseRun", "seats", 1, "Bitte mindestens 2 angeben.", "TOO_SMALL"),
    Case("publishCourse", "courseId", "the draft", "Vorher fehlt noch: summary.", "REQUIRED"),
    Case("updateCourse", "summary", None, "Bitte ausfüllen.", "REQUIRED"),
    Case("signUp", "password", "a" * 10, "Bitte mindestens 4 verschiedene Zeichen verwenden.",
         "WEAK_PASSWORD"),
    Case("changePassword", "currentPassword", "wrong", "Das ist nicht das bisherige Passwort.",
         "WRONG_PASSWORD"),
]  # fmt: skip


class Stage(NamedTuple):
    """The documents of the cases. inputs: a valid input of each mutation. named: values that cases name."""

    inputs: Mapping[str, Doc]
    named: Mapping[str, Value]
    student: Viewer


@pytest.fixture
async def stage(database: Database) -> Stage:
    student = factories.student("Ada")
    course = factories.course(summary="S")
    draft = factories.course(status="DRAFT", summary=None, deliveryModes=["ONLINE"])
    started = run_of(course, startsAt=datetime.fromisoformat("2020-02-01T09:00:00Z"))
    full = run_of(course, seats=5, startsAt=SOON + DAY)
    takers = [factories.student(name) for name in ("Bob", "Cy")]
    places = [factories.enrollment(course, taker, runId=full["_id"]) for taker in takers]
    await stored(
        database, students=[student, *takers], courses=[course, draft], courseRuns=[started, full],
        enrollments=places,
    )  # fmt: skip
    of_course = {"courseId": course_id(course)}
    inputs: dict[str, Doc] = {
        "signUp": SIGN_UP, "createCourse": COURSE, "updateCourse": of_course, "publishCourse": {},
        "createCourseRun": RUN | of_course, "updateCourseRun": {"runId": run_id(full)}, "enroll": of_course,
        "updateProfile": {}, "createCategory": {"name": "A"},
        "createReview": {**of_course, "rating": 5, "body": "B"},
        "changePassword": {"currentPassword": SIGN_UP["password"], "newPassword": "another horse battery"},
    }  # fmt: skip
    named = {"the run that has started": run_id(started), "the draft": course_id(draft)}
    return Stage(inputs, named, as_student(student))


async def errors_of(gateway: Gateway, mutation: str, input: Doc, headers: Mapping[str, str]) -> list[Json]:
    query = f"""mutation($input: {_FIELDS[mutation].args["input"].type}) {{
      {mutation}(input: $input) {{ errors {{ code message path reason params }} }} }}"""
    body = {"query": query, "variables": {"input": input}}
    answer = (await gateway.http.post("/graphql", json=body, headers=headers)).json()
    assert "errors" not in answer, answer
    found: list[Json] = answer["data"][mutation]["errors"]
    return found


async def headers_of(gateway: Gateway, stage: Stage, mutation: str) -> Mapping[str, str]:
    """Returns the header that authorises a mutation. Changing a password needs an account."""
    if mutation == "changePassword":
        text = "mutation($input: SignUpInput!) { signUp(input: $input) { accessToken } }"
        token = (await gateway.ask(text, {"input": SIGN_UP}))["signUp"]["accessToken"]
    else:
        is_staff = "Course" in mutation or "Category" in mutation
        token = TOKENS.access(STAFF if is_staff else stage.student).text
    return {"authorization": f"Bearer {token}"}


def is_list(mutation: str, path: str) -> bool:
    """Returns whether the schema says that an input value is a list."""
    kind: Any = get_named_type(_FIELDS[mutation].args["input"].type)
    field, *rest = (name for name in path.split("."))
    type_ = kind.fields[field].type
    for name in rest:
        type_ = get_named_type(type_).fields[name].type
    return is_list_type(get_nullable_type(type_))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.reason} {case.mutation} {case.path}")
async def test_a_form_says_in_german_what_is_wrong(gateway: Gateway, stage: Stage, case: Case) -> None:
    value = stage.named.get(case.value, case.value) if isinstance(case.value, str) else case.value
    sent = stage.inputs[case.mutation] | {case.path.partition(".")[0]: value}
    headers = await headers_of(gateway, stage, case.mutation)
    (error,) = await errors_of(gateway, case.mutation, sent, headers)
    assert (error["reason"], error["path"]) == (case.reason, ["input", *case.path.split(".")])
    assert sentence(error, is_list=is_list(case.mutation, case.path)) == case.sentence
    assert error["message"]


def test_every_reason_has_a_case() -> None:
    reasons = schema.type_map["ErrorReason"]
    assert isinstance(reasons, GraphQLEnumType)
    assert reasons.values.keys() == set(get_args(Reason)) == {case.reason for case in CASES}
    assert {key.partition(" ")[0] for key in GERMAN} == set(get_args(Reason))


def test_every_refusal_of_an_invalid_value_has_a_reason() -> None:
    """Checks raise InvalidValueError, which requires a reason. Other code calls `refusal` with the code."""
    found = 0
    for module in (Path(__file__).parents[2] / "resolvers").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node).startswith("refusal('INVALID'"):
                assert "reason" in {keyword.arg for keyword in node.keywords}, ast.unparse(node)
                found += 1
    assert found


def test_the_descriptions_name_the_params() -> None:
    """A reason's description names each value that a sentence can use, and no other."""
    reasons = schema.type_map["ErrorReason"]
    assert isinstance(reasons, GraphQLEnumType)
    for reason, value in reasons.values.items():
        templates = [text for key, text in GERMAN.items() if key.partition(" ")[0] == reason]
        used = {name for text in templates for _, name, _, _ in Formatter().parse(text) if name}
        assert set(re.findall(r"`params\.(\w+)`", value.description or "")) == used


def test_the_docs_describe_each_reason_with_its_params() -> None:
    text = (Path(__file__).parents[2] / "docs" / "writes.md").read_text("utf-8")
    table = text.partition("| reason | params | meaning |")[2].partition("\n\n")[0]
    documented: dict[str, set[str]] = {reason: set() for reason in get_args(Reason)}
    for first, second in re.findall(r"^\| (`[^|]*) \|([^|]*)\|", table, re.MULTILINE):
        reasons, params = re.findall(r"`([A-Z_]+)`", first), re.findall(r"`(\w+)`", second)
        for reason, param in zip(reasons, params or [None] * len(reasons), strict=True):
            documented[reason] |= {param} if param else set()
    used = {key: {name for _, name, _, _ in Formatter().parse(text) if name} for key, text in GERMAN.items()}
    assert documented == {
        reason: {n for key, names in used.items() if key.partition(" ")[0] == reason for n in names}
        - {"item"}
        for reason in get_args(Reason)
    }


async def test_other_errors_have_neither(gateway: Gateway, stage: Stage) -> None:
    """The code says it all: there is no reason, and of the params only the index in a list."""
    headers = await headers_of(gateway, stage, "createCourse")
    sent = COURSE | {"categoryId": "nothing"}
    (error,) = await errors_of(gateway, "createCourse", sent, headers)
    assert (error["code"], error["reason"], error["params"]) == ("NOT_FOUND", None, None)
    sent = COURSE | {"instructorIds": [encode_id("Instructor", {"_id": ObjectId()}), "nothing"]}
    (error,) = await errors_of(gateway, "createCourse", sent, headers)
    assert (error["code"], error["reason"], error["params"]) == ("NOT_FOUND", None, {"item": 1})
