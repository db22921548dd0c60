"""Installs the tools of the conformance tests: `.venv/bin/python tests/conformance/install.py`.

The packages are exactly those of package-lock.json. Nothing happens if they are installed. Node is found as
for GraphiQL (`web/node.py`).
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))  # the import path of a script has only its own folder

from web import node  # noqa: E402


def main() -> None:
    try:
        if not node.is_installed(HERE):
            node.install(node.required(), HERE)
    except node.NodeError as error:
        sys.exit(f"The conformance tests' packages were not installed.\n{error}")


if __name__ == "__main__":
    main()
