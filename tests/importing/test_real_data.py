"""The three real data sets, with the mappings of examples/imports."""




OMSCENTRAL = [("courses", "courses.ndjson"), ("students", "students.ndjson"), ("reviews", "reviews.ndjson")]
OULAD = [
    ("courses", "courses.csv", "courses"),
    ("students", "studentRegistration.csv", "students"),
    ("enrollments", "studentRegistration.csv", "enrollments"),
    ("enrollments", "studentResult.csv", "enrollments-results"),
]
