"""The collections of the catalogue."""

from loaders.collections.stored_collection import EVERYONE, KEEP, Index, SeenBy, StoredCollection
from loaders.model import (
    PRIOR_MEAN,
    CategoryDoc,
    CourseDoc,
    CourseRunDoc,
    InstructorDoc,
    new_category,
    new_course,
    new_course_run,
    new_instructor,
)
from loaders.text import course_keys, name_keys

#: The indexes for lists of courses, one for each sort field. An index serves both directions, because
#: ascending order is descending order read backwards.
_COURSE_ORDERS = [
    Index([("status", 1), (field, -1), ("_id", 1)], f"lists of courses by {order}")
    for field, order in {
        "ratingBayesian": "rating", "studentCount": "number of students", "createdAt": "age",
        "sortTitle": "title", "durationDays": "duration", "price.amountMinor": "price",
    }.items()
]  # fmt: skip

CATALOGUE = (
    StoredCollection(
        name="categories",
        noun="category",
        seen_by=EVERYONE,
        document=CategoryDoc,
        type_name="Category",
        id_code=b"cat",
        key="slug",
        former_keys="oldSlugs",
        aggregates=frozenset(("revision",)),
        importable=True,
        new=new_category,
        not_null={"name": KEEP, "slug": KEEP, "position": KEEP},
        own_indexes=[Index([("slug", 1)], "categories by slug", unique=True)],
    ),
    StoredCollection(
        name="instructors",
        noun="instructor",
        seen_by=EVERYONE,
        document=InstructorDoc,
        type_name="Instructor",
        id_code=b"ins",
        key="slug",
        former_keys="oldSlugs",
        derived_from=frozenset(("name",)),
        derive=name_keys,
        derived=frozenset(("searchTerms", "sortName")),
        unaudited=frozenset(("oldSlugs",)),  # as in courses
        importable=True,
        new=new_instructor,
        not_null={"name": KEEP},
        own_indexes=[
            Index([("slug", 1)], "instructors by slug", unique=True, where={"slug": {"$exists": True}}),
            Index([("oldSlugs", 1)], "instructors by former slug", where={"oldSlugs": {"$exists": True}}),
            Index([("sortName", 1), ("_id", -1)], "lists of instructors by name"),
            Index([("searchTerms", 1)], "searches for instructors"),
        ],
    ),
    StoredCollection(
        name="courses",
        noun="course",
        seen_by=SeenBy(published=True, rule="Course.draft"),
        document=CourseDoc,
        missing={"status": "DRAFT", "ratingBayesian": PRIOR_MEAN, "ratingStars": [0] * 5},
        type_name="Course",
        id_code=b"crs",
        parts=["RatingSummary"],
        key="slug",
        former_keys="oldSlugs",
        derived_from=frozenset(("title", "codes", "tags", "summary", "description")),
        derive=course_keys,
        derived=frozenset(("searchTerms", "searchWeights", "sortTitle")),
        aggregates=frozenset(
            ("ratingAverage", "ratingBayesian", "ratingCount", "ratingStars", "studentCount",
             "seatsUntil", "newestReviewIds", "revision")
        ),
        unaudited=frozenset(("oldSlugs",)),  # audit entries already show the old and new slug
        importable=True,
        new=new_course,
        not_null={
            "slug": KEEP, "status": KEEP, "createdAt": KEEP, "updatedAt": KEEP, "codes": [],
            "deliveryModes": [], "tags": [], "instructorIds": [], "importedStudentCount": 0,
        },
        own_indexes=[
            Index([("slug", 1)], "courses by slug", unique=True),
            Index([("oldSlugs", 1)], "courses by former slug", where={"oldSlugs": {"$exists": True}}),
            Index(
                [("prerequisiteIds", 1)],
                "deleting a prerequisite",
                where={"prerequisiteIds": {"$exists": True}},
            ),
            *_COURSE_ORDERS,
            Index(
                [("categorySlug", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)],
                "a category's courses",
            ),
            Index(
                [("instructorIds", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)],
                "an instructor's courses",
            ),
            Index([("searchTerms", 1), ("status", 1)], "searches for courses"),
        ],
        former_indexes=[
            "search.t_1_status_1",
            "status_1_rating.bayesian_-1__id_1",
            "categorySlug_1_status_1_rating.bayesian_-1__id_1",
            "instructorIds_1_status_1_rating.bayesian_-1__id_1",
        ],
    ),
    StoredCollection(
        name="courseRuns",
        noun="run",
        seen_by=SeenBy(with_course=True),
        document=CourseRunDoc,
        missing={"deliveryMode": "ONLINE"},
        type_name="CourseRun",
        id_code=b"run",
        aggregates=frozenset(("seatsTaken", "waitlistCount")),
        importable=True,
        new=new_course_run,
        not_null={"startsAt": KEEP, "deliveryMode": KEEP},
        own_indexes=[Index([("courseId", 1), ("startsAt", 1), ("_id", -1)], "a course's runs")],
        former_indexes=["courseId_1_startsAt_1__id_1"],
    ),
)  # fmt: skip
