"""Runs the npm packages that check the gateway and its schema."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from web.node import Node

HERE = Path(__file__).parent


class Tools(NamedTuple):
    """The packages of package-lock.json, run by a Node."""

    node: Node

    def run(
        self, script: str, *arguments: str | Path, folder: Path = HERE
    ) -> subprocess.CompletedProcess[str]:
        """Runs a script of this folder or of a package (`node_modules/…`), and waits for it."""
        return subprocess.run(
            [self.node.node, HERE / script, *arguments],
            cwd=folder,
            env=self.node.environment() | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def output(self, script: str, *arguments: str | Path) -> Any:
        """The JSON that a script prints."""
        done = self.run(script, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)
