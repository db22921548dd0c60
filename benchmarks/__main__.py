"""Runs all benchmarks, one after another: `make bench`."""

import subprocess
import sys

MODULES = (
    "engines",
    "growth",
    "collecting",
    "prices",
    "first_answer",
    "top_per_parent",
    "import_reviews",
    "create_review",
    "archive_course",
)

for name in MODULES:
    print(f"\n== benchmarks.{name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
