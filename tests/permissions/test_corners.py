"""Corner cases of permissions: hidden objects stay hidden on indirect ways, and owners find their own."""

import pytest

from loaders.mongo.database import Database
from tests import factories
from tests.permissions import world
from tests.permissions.conftest import Ask, Sent
from tests.permissions.identities import token
from tests.permissions.world import Document, Dump, Json, Value, global_id

pytestmark = pytest.mark.usefixtures("intact")

CATALOGUE = ["course", "fresh", "reviewable", "reviewed"]
WHOLE = sorted([*CATALOGUE, "archived", "blank", "draft"])


async def data(ask: Ask, identity: str, text: str, **options: Value) -> Json:
    payload = (await ask(identity, text, **options)).json()
    assert "errors" not in payload, payload["errors"]
    return payload["data"]


def slugs(connection: Value) -> list[str]:
    return sorted(node["slug"] for node in connection["nodes"])


LIST = "totalCount nodes { slug } facets { categories { count } }"


@pytest.mark.parametrize(
    ("identity", "listed"),
    [
        ("anonymous", CATALOGUE),
        ("student", CATALOGUE),
        ("other instructor", CATALOGUE),
        ("instructor", WHOLE),
        ("staff", WHOLE),
    ],
)
async def test_instructors_see_drafts_in_their_own_list(ask: Ask, identity: str, listed: list[str]) -> None:
    text = f"query ($id: ID!) {{ node(id: $id) {{ ... on Instructor {{ courses {{ {LIST} }} }} }} }}"
    variables = {"id": global_id("Instructor", world.grace)}
    courses = (await data(ask, identity, text, variables=variables))["node"]["courses"]
    assert (slugs(courses), courses["totalCount"]) == (listed, len(listed))
    assert courses["facets"]["categories"] == [{"count": len(listed)}]


async def test_instructors_find_their_drafts_via_viewer(ask: Ask) -> None:
    text = "{ viewer { instructor { courses { nodes { slug } } } } }"
    answer = await data(ask, "instructor", text)
    assert slugs(answer["viewer"]["instructor"]["courses"]) == WHOLE


async def test_instructors_dont_see_their_drafts_in_the_catalogue(ask: Ask) -> None:
    text = f'{{ courses {{ {LIST} }} category(slug: "web") {{ courseCount courses {{ {LIST} }} }} }}'
    answer = await data(ask, "instructor", text)
    for courses in (answer["courses"], answer["category"]["courses"]):
        assert (slugs(courses), courses["totalCount"]) == (CATALOGUE, 4)
    assert answer["category"]["courseCount"] == 4


@pytest.mark.parametrize("identity", ["anonymous", "student", "instructor"])
async def test_filters_dont_reveal_hidden_documents(ask: Ask, identity: str) -> None:
    text = f"""{{ courses(filter: {{statuses: [DRAFT, ARCHIVED]}}) {{ {LIST} }}
      course(slug: "course") {{
        reviews(filter: {{statuses: [PENDING]}}) {{ totalCount nodes {{ id }} }} }} }}"""
    answer = await data(ask, identity, text)
    assert answer["courses"] == {"totalCount": 0, "nodes": [], "facets": {"categories": []}}
    assert answer["course"]["reviews"] == {"totalCount": 0, "nodes": []}


@pytest.mark.parametrize("identity", ["anonymous", "student", "instructor"])
async def test_cursors_of_staff_reveal_nothing_to_others(ask: Ask, identity: str) -> None:
    text = """query ($after: String) {
      courses(first: 1, after: $after, orderBy: {field: TITLE, direction: ASC}) {
        nodes { slug status } pageInfo { endCursor } } }"""
    seen, after = [], None
    for _ in WHOLE:
        page = (await data(ask, identity, text, variables={"after": after}))["courses"]
        seen += page["nodes"]
        answer = await data(ask, "staff", text, variables={"after": after})
        after = answer["courses"]["pageInfo"]["endCursor"]
    assert {node["status"] for node in seen} == {"PUBLISHED"}


async def test_a_wishlist_cursor_is_valid_only_for_its_owner(ask: Ask) -> None:
    text = "query ($after: String) { viewer { wishlist(after: $after) { pageInfo { endCursor } } } }"
    page = await data(ask, "student", text)
    variables = {"after": page["viewer"]["wishlist"]["pageInfo"]["endCursor"]}
    (error,) = (await ask("other student", text, variables)).json()["errors"]
    assert error["extensions"]["code"] == "INVALID_CURSOR"


async def test_wishlists_leave_out_hidden_courses(ask: Ask) -> None:
    answer = await data(ask, "student", "{ viewer { wishlist { totalCount nodes { slug } } } }")
    assert answer["viewer"]["wishlist"] == {"totalCount": 1, "nodes": [{"slug": "course"}]}


@pytest.mark.parametrize(
    ("document", "errors"),
    [(world.archived, []), (world.draft, [{"code": "NOT_FOUND"}])],
    ids=["on the wishlist", "not on the wishlist"],
)
async def test_removing_a_wish_reveals_nothing_about_a_hidden_course(
    ask: Ask, place: Database, document: Document, errors: list[Json]
) -> None:
    text = """mutation ($id: ID!) {
      removeFromWishlist(input: {courseId: $id}) { errors { code } course { title } } }"""
    answer = await data(ask, "student", text, variables={"id": global_id("Course", document)})
    assert answer["removeFromWishlist"] == {"errors": errors, "course": None}
    wishlist = await place["wishlists"].find_one({"_id": world.ada["_id"]})
    assert wishlist is not None
    assert document["_id"] not in [wish["courseId"] for wish in wishlist["courses"]]


async def test_students_keep_their_enrolment_in_an_archived_course(ask: Ask) -> None:
    text = """{ viewer { student { enrollments { nodes {
      course { slug viewerReview { body } runs { totalCount } reviews { totalCount } } } } } } }"""
    answer = await data(ask, "student", text)
    courses = {
        node["course"].pop("slug"): node["course"]
        for node in answer["viewer"]["student"]["enrollments"]["nodes"]
    }
    assert courses["archived"] == {
        "viewerReview": {"body": world.kept_review["body"]},
        "runs": {"totalCount": 0},
        "reviews": {"totalCount": 0},
    }
    assert (courses["course"]["runs"], courses["course"]["reviews"]) == ({"totalCount": 1}, {"totalCount": 1})


async def test_students_see_their_pending_review(ask: Ask) -> None:
    text = f"""{{ course(slug: "course") {{ viewerReview {{ status }} }}
      review(id: "{global_id("Review", world.pending)}") {{ status course {{ slug }} }} }}"""
    answer = await data(ask, "student", text)
    assert answer == {
        "course": {"viewerReview": {"status": "PENDING"}},
        "review": {"status": "PENDING", "course": {"slug": "course"}},
    }
    assert await data(ask, "other student", text) == {"course": {"viewerReview": None}, "review": None}


@pytest.mark.parametrize(
    ("identity", "count"), [("anonymous", 1), ("other student", 1), ("instructor", 1), ("staff", 3)]
)
async def test_a_students_reviews_show_only_the_catalogue(ask: Ask, identity: str, count: int) -> None:
    text = "query ($id: ID!) { student(id: $id) { reviews { totalCount nodes { id } } } }"
    variables = {"id": global_id("Student", world.ada)}
    reviews = (await data(ask, identity, text, variables=variables))["student"]["reviews"]
    assert (reviews["totalCount"], len(reviews["nodes"])) == (count, count)


async def test_an_id_without_the_role_grants_nothing(ask: Ask) -> None:
    """An account can lose a role and keep its student or instructor ID."""
    text = f"""{{ viewer {{ roles student {{ id }} instructor {{ id }} wishlist {{ totalCount }} }}
      student(id: "{global_id("Student", world.ada)}") {{ email enrollments {{ totalCount }} }}
      review(id: "{global_id("Review", world.pending)}") {{ id }}
      draft: course(slug: "draft") {{ id }}
      course(slug: "course") {{
        enrollments {{ totalCount }} viewerReview {{ id }} viewerEnrollment {{ id }} }} }}"""
    without_roles = token(
        "student", roles=[], student=str(world.ada["_id"]), instructor=str(world.grace["_id"])
    )
    assert await data(ask, "student", text, token=without_roles) == {
        "viewer": {"roles": [], "student": None, "instructor": None, "wishlist": {"totalCount": 0}},
        "student": {"email": None, "enrollments": {"totalCount": 0}},
        "review": None,
        "draft": None,
        "course": {"enrollments": {"totalCount": 0}, "viewerReview": None, "viewerEnrollment": None},
    }


async def test_two_roles_grant_the_union_of_permissions(ask: Ask) -> None:
    both = token("student", roles=["STUDENT", "INSTRUCTOR"], instructor=str(world.grace["_id"]))
    text = '{ draft: course(slug: "draft") { slug } course(slug: "course") { viewerReview { status } } }'
    assert await data(ask, "student", text, token=both) == {
        "draft": {"slug": "draft"},
        "course": {"viewerReview": {"status": "PENDING"}},
    }


@pytest.mark.parametrize(
    ("identity", "slug", "sent"),
    [
        ("anonymous", "draft", 1),
        ("student", "draft", 1),
        ("staff", "draft", 1),
        ("instructor", "draft", 2),
        ("other instructor", "draft", 2),
        ("other instructor", "course", 1),
    ],
)
async def test_ownership_is_looked_up_only_where_it_decides(
    ask: Ask, listener: Sent, identity: str, slug: str, sent: int
) -> None:
    listener.commands.clear()
    await data(ask, identity, f'{{ course(slug: "{slug}") {{ title }} }}')
    assert len(listener.commands) == sent


async def test_staff_see_a_run_by_its_id_whatever_its_course(
    ask: Ask, place: Database, listener: Sent
) -> None:
    """One command, for the run: its course decides nothing, even one that no longer exists."""
    orphan = factories.course_run(factories.course())
    await place["courseRuns"].insert_one(orphan)
    try:
        for run in (orphan, world.hidden_run, world.run):
            text = f'{{ node(id: "{global_id("CourseRun", run)}") {{ id }} }}'
            listener.commands.clear()
            assert (await data(ask, "staff", text))["node"] is not None
            assert len(listener.commands) == 1
            shown = (await data(ask, "anonymous", text))["node"] is not None
            assert shown is (run is world.run)
    finally:
        await place["courseRuns"].delete_one({"_id": orphan["_id"]})


async def test_each_mutation_of_an_operation_is_checked(ask: Ask, place: Database, intact: Dump) -> None:
    course = global_id("Course", world.fresh)
    text = f"""mutation {{ a: archiveCourse(input: {{courseId: "{course}"}}) {{ errors {{ code }} }}
      b: addToWishlist(input: {{courseId: "{course}"}}) {{ errors {{ code }} }} }}"""
    answer = await data(ask, "student", text)
    assert answer == {"a": {"errors": [{"code": "FORBIDDEN"}]}, "b": {"errors": []}}
    assert (await world.dump(place))["courses"] == intact["courses"]
