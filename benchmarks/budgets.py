"""What budgets cost: the server's CPU per request with a budget that never ends, and without.

    python -m benchmarks.budgets [--turns 10] [--seconds 3]

It measures as benchmarks.settings_cost says. All requests are of one client, which leases points as it goes.
"""

from benchmarks import data, settings_cost
from benchmarks.servers import leave_a_core
from benchmarks.settings_cost import QUIET, WITHOUT

_MOST = {"Q1": 1.05, "Q2": 1.05}  # the highest ratio that passes, by query
_ENVIRONMENTS = {**WITHOUT, "budgets": {**QUIET, "LECTERN_BUDGETS": "public=5000000:250000000"}}


def main() -> None:
    arguments = settings_cost.arguments(__doc__)
    leave_a_core()
    with data.catalogue() as uri:
        turns = [
            settings_cost.turn(uri, _ENVIRONMENTS, tuple(_MOST), arguments.seconds)
            for _ in range(arguments.turns)
        ]
    settings_cost.show(turns, _MOST)


if __name__ == "__main__":
    main()
