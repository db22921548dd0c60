"""Operations of the pages of a course platform, whose prices docs/budgets.md has."""

CARD = """
fragment Card on Course {
  id slug title summary level price { amountMinor currency } rating { average count }
}
"""

PAGES = {
    "the catalogue: 20 courses with facets": """
    query Catalogue {
      courses(first: 20) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { ...Card instructors { name } }
        facets { levels { value count } categories { value count } }
      }
    }""",
    "a search, as it is typed: 8 courses": """
    query Search { courses(first: 8, filter: { search: "python" }) { nodes { ...Card } } }""",
    "a course with 10 reviews, its runs and instructors": """
    query Course {
      course(slug: "databases") {
        ...Card description instructors { name bio }
        runs(first: 10) { nodes { id startsAt seats seatsLeft } }
        reviews(first: 10) {
          totalCount pageInfo { endCursor } nodes { rating title body student { name } }
        }
      }
    }""",
    "my courses: 20 enrolments": """
    query Mine {
      viewer { student { name enrollments(first: 20) { nodes { status progress course { ...Card } } } } }
    }""",
}
