"""A trial of the deliveries of any size, and its report: `python -m tests.deliveries --deliveries 5000`."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from app import embedded
from tests.deliveries import trial
from tests.deliveries.trial import Plan
from tests.storm import storm


def main() -> int:
    """Runs a trial and prints its report. Returns 0 if there are no complaints."""
    parser = argparse.ArgumentParser(prog="python -m tests.deliveries", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=5_000, help="events and messages")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    plan = Plan(arguments.deliveries, arguments.clients, seed=arguments.seed)
    with tempfile.TemporaryDirectory() as name, embedded.running(Path(name) / "mongod") as uri:
        outcome = asyncio.run(trial.run(plan, storm.settings_of(uri, "deliveries"), Path(name)))
    print(outcome)
    return bool(outcome.complaints)


if __name__ == "__main__":
    sys.exit(main())
