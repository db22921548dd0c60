"""Times `lectern dev` from its start to its first answer, with a new data directory and with an existing one.

python -m benchmarks.first_answer
"""

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

LECTERN = Path(sys.executable).with_name("lectern")
QUERY = {"query": "{ courses(first: 3) { nodes { title rating { average count } } } }"}
ROUNDS = 5


def first_answer(directory: Path) -> tuple[float, float]:
    """The seconds to the first answer, and from Ctrl-C to the exit."""
    began = time.perf_counter()
    command = [str(LECTERN), "dev", "--port", "0", "--data-dir", str(directory)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        url = next(m[0] for line in process.stderr if (m := re.search(r"http://\S+/graphql$", line.strip())))
        answer = httpx.post(url, json=QUERY, timeout=30)
        answered = time.perf_counter() - began
        assert len(answer.json()["data"]["courses"]["nodes"]) == 3
        process.send_signal(signal.SIGINT)
        stopping = time.perf_counter()
        process.wait()
        return answered, time.perf_counter() - stopping


def main() -> None:
    first: list[float] = []
    again: list[float] = []
    stops: list[float] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as temporary:
            for times in (first, again):
                answered, stopped = first_answer(Path(temporary))
                times.append(answered)
                stops.append(stopped)
    print(f"lectern dev, seconds to the first answer, median of {ROUNDS}: ", end="")
    loading, later = statistics.median(first), statistics.median(again)
    print(f"{loading:.2f} when it loads the sample data, {later:.2f} after that")
    print(f"Ctrl-C to the exit, the longest of {len(stops)}: {max(stops):.2f}")


if __name__ == "__main__":
    main()
