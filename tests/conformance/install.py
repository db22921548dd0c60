"""Installs what the conformance tests run: `.venv/bin/python tests/conformance/install.py`.

The packages are those of package-lock.json, exactly; nothing is done when they are there. Node is found as
for GraphiQL (`web/node.py`).
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))  # a script sees its own folder only

from web import node  # noqa: E402


def main() -> None:
    try:
        if not node.is_installed(HERE):
            node.install(node.required(), HERE)
    except node.NodeError as error:
        sys.exit(f"The conformance tests' packages were not installed.\n{error}")


if __name__ == "__main__":
    main()
