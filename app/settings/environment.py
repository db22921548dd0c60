"""The environment variables from which the settings are read.

The setting `max_cost` is read from the variable LECTERN_MAX_COST, or from the file that LECTERN_MAX_COST_FILE
names. A setting that had a name without the prefix is also read from its old variable, MAX_COST.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from app.regular_files import read_regular

PREFIX = "LECTERN_"
_FILE = "_FILE"
_MAX_FILE_BYTES = 64_000

# The settings that had no prefix. The list is complete: settings that are added later have no old name.
UNPREFIXED = frozenset(
    """
    mongodb_uri mongodb_database mongodb_driver mongodb_timeout wait_for_mongodb reset_url oidc_issuer
    oidc_audience oidc_jwks oidc_algorithms oidc_leeway oidc_roles_claim oidc_roles oidc_student_claim
    oidc_source cors_origins cors_headers compression max_body_bytes graphiql introspection
    compiled_execution trace_plan metrics request_timeout max_response_bytes admission_capacity
    admission_wait max_query_length max_query_tokens max_depth max_aliases max_root_fields
    max_directives max_fragments max_overlap max_list_values max_values max_value_depth max_fields
    max_cost max_introspection_cost forwarded_allow_ips max_connections max_head_bytes max_headers
    max_url_bytes max_unread_bytes head_timeout body_timeout stall_timeout keep_alive_timeout
    drain_delay drain_seconds
    """.split()  # noqa: SIM905 # a literal for each name would take a line for each name
)

# For each port of a Service named `lectern` or `lectern-…`, Kubernetes sets variables with these endings.
_SERVICE_LINK = re.compile(
    r"LECTERN_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)",
    re.ASCII,
)
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")  # the value of LECTERN_PORT, and of LECTERN_…_PORT

_Variables = Mapping[str, str]


@dataclass(frozen=True)
class Unreadable:
    """Stands for a value that can't be read. reason: completes a sentence that begins with the variable."""

    reason: str


class EnvironmentSource(PydanticBaseSettingsSource):
    """Reads the settings from the environment, for pydantic-settings.

    pydantic-settings' own EnvSettingsSource reads no files, and stops at the first value that it can't read.
    """

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self._variables = _variables()

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return _read(field_name, self._variables), field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        values = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in values.items() if value is not None}


def variable(setting: str) -> str:
    """Returns the environment variable of a setting: LECTERN_MAX_COST for `max_cost`."""
    name = setting.upper()
    return name if name.startswith(PREFIX) else PREFIX + name


def hand_over(values: Mapping[str, str]) -> None:
    """Sets settings for this process and the processes that it starts, overriding those of the user."""
    for setting, value in values.items():
        os.environ.pop(variable(setting) + _FILE, None)
        os.environ[variable(setting)] = value


def warnings(settings: Iterable[str]) -> list[str]:
    """Returns warnings about old names in the environment, and about variables that are not settings."""
    variables = _variables()
    return [*_about_old_names(variables), *_about_unknown_names(variables, settings)]


def _variables() -> _Variables:
    return {name: value for name, value in os.environ.items() if not _is_service_link(name, value)}


def _is_service_link(name: str, value: str) -> bool:
    if name.startswith(PREFIX) and name.endswith("_PORT") and _SERVICE_URL.match(value):
        return True
    return _SERVICE_LINK.fullmatch(name) is not None


def _read(setting: str, variables: _Variables) -> str | Unreadable | None:
    """Returns the text of a setting, or None if it isn't set."""
    name = variable(setting)
    value, file = variables.get(name), variables.get(name + _FILE)
    if value and file:
        return Unreadable(f"and {name}{_FILE} are both set: set only one of them")
    if file:
        return _contents(Path(file), name + _FILE)
    if value is None and setting in UNPREFIXED:
        value = variables.get(setting.upper())
    return value if value is None or _is_utf8(value) else Unreadable("is not UTF-8 text")


def _is_utf8(value: str) -> bool:
    """Returns whether a variable is UTF-8. Python decodes all other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _contents(file: Path, name: str) -> str | Unreadable:
    """Returns a file's text without its last line break.

    name: the variable that names the file. An error doesn't show its value, which could be a secret that was
    put in the wrong variable.
    """
    try:
        text = _text(file)
    except OSError as error:
        problem = error.strerror
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    except ValueError as error:
        problem = str(error)
    else:
        return text
    return Unreadable(f"can't be read from the file that {name} names: {problem}")


def _text(file: Path) -> str:
    data = read_regular(file, _MAX_FILE_BYTES + 1)
    if len(data) > _MAX_FILE_BYTES:
        raise ValueError(f"it has more than {_MAX_FILE_BYTES:,} bytes")
    text = data.decode()
    if text.endswith("\n"):
        text = text[:-1].removesuffix("\r")
    if not text:
        raise ValueError("it is empty")
    return text


def _about_old_names(variables: _Variables) -> list[str]:
    used, ignored = [], []
    for setting in sorted(UNPREFIXED):
        old, name = setting.upper(), variable(setting)
        if old not in variables:
            continue
        if name not in variables and not variables.get(name + _FILE):
            used.append(f"{old} to {name}")
        elif _read(setting, variables) != variables[old]:
            ignored.append(f"{old} is ignored, because {name} is set differently.")
    renamed = [f"The names of settings begin with LECTERN_ now: rename {', '.join(used)}."] if used else []
    return renamed + ignored


def _about_unknown_names(variables: _Variables, settings: Iterable[str]) -> list[str]:
    known = [name for setting in settings for name in (variable(setting), variable(setting) + _FILE)]
    named = [name for name in variables if name.upper().startswith(PREFIX)]
    return [_suggestion(name, known) for name in sorted(named) if name not in known]


def _suggestion(name: str, known: list[str]) -> str:
    ends = [setting.removeprefix(PREFIX) for setting in known]
    nearest = get_close_matches(name.upper().removeprefix(PREFIX), ends, n=1)
    return f"{name} is not a setting" + (f": did you mean {PREFIX}{nearest[0]}?" if nearest else ".")
