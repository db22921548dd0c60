"""A hatchling build hook that refuses to build a distribution without GraphiQL.

Editable installs are exempt: in a checkout, GraphiQL is built after installing.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NOT_BUILT = """
GraphiQL is not built, and a package without it would serve an error page to browsers.
Build it first:  python web/build.py  (it needs Node 20.19 or newer, or a virtual environment)
"""


class GraphiQLHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling's config type is irrelevant here
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # hatchling's type
        if version != "editable" and not Path(self.root, "app", "static", "index.html").is_file():
            self.app.abort(_NOT_BUILT)
