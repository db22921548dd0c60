"""Formats a plan as JSON and as text, for `lectern explain` and for requests that ask for their plan."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from graphql.execution.values import VariableValues

from app.execution.compiler import Level, Plan, levels_of
from app.execution.operation import JsonObject
from app.execution.pricing import Cost
from app.observing import LevelCalled

_WIDTH = 11  # minimum width of the column of collections, in characters
_MOST_KEYS = 4  # maximum number of response keys shown on one line of the report

_Timings: TypeAlias = Mapping[int, LevelCalled]  # the levels that were run, by their number


def explained(
    plan: Plan | str,
    variables: VariableValues,
    cost: Cost,
    allowed: int,
    setting: str,
    run: Sequence[LevelCalled] = (),
) -> JsonObject:
    """Describes a plan, or the reason why an operation has no plan, as a JSON object.

    The object has these keys: `cost`, as app.execution.pricing computes it, with the maximum price
    `allowed` and the `setting` that defines it; `commands`, the number of commands usually sent to MongoDB;
    `levels`, the list of calls in the order of their first use, each with the response keys of all fields
    that use it; `projections`, the keys fetched from each collection's documents. With the levels of a `run`,
    each call that was made also has its number of parents and its duration in milliseconds.
    """
    price = {"cost": {**cost._asdict(), "price": cost.price, "allowed": allowed, "setting": setting}}
    if isinstance(plan, str):
        return {"engine": "graphql-core", "reason": plan, **price}
    levels = levels_of(plan, variables).all
    level_above = {
        inner.number: level.number for level in levels for site in level.sites for inner in site.built.below
    }
    timings = {level.number: level for level in run}
    reports = [_level_report(level, level_above, timings) for level in levels]
    return {
        "engine": "compiled",
        **price,
        "commands": sum(report["commands"] for report in reports),
        "levels": reports,
        "projections": {collection: list(keys) for collection, keys in sorted(plan.projections.items())},
    }


def _level_report(level: Level, level_above: Mapping[int, int], timings: _Timings) -> JsonObject:
    """Describes one level as a JSON object.

    level_above: maps the number of each call site to the number of the level that returns its parents.
    """
    positions = [site.position for site in level.sites]
    report: JsonObject = {
        "level": level.depth,
        "field": ", ".join(dict.fromkeys(position.coordinate for position in positions)),
        "arguments": level.called.arguments.text,
        "keys": [position.key for position in positions],
        "type": str(positions[0].type),
        "commands": level.called.commands * _times_sent(level, level_above),
    }
    if timing := timings.get(level.sites[0].number):
        report |= {"parents": timing.parents, "ms": round(timing.ms, 3)}
    return report


def _times_sent(level: Level, level_above: Mapping[int, int]) -> int:
    """Returns how many times a level's commands are sent.

    For a field of a connection, such as `totalCount`, they are sent once for each list, regardless of how
    many pages of the list are requested.
    """
    if not level.sites[0].position.parent_type.endswith("Connection"):
        return 1
    return len({level_above[site.number] for site in level.sites})


def plan_text(report: JsonObject) -> str:
    """Formats the result of `explained` as text."""
    price = report["cost"]
    cost = (
        f"cost         up to {price['price']:,} of {price['allowed']:,} ({price['setting']}): "
        f"{price['objects']:,} objects, {price['values']:,} values, {price['commands']:,} commands"
    )
    if report["engine"] != "compiled":
        return f"engine       graphql-core: {report['reason']}\n{cost}"
    lines = ["engine       compiled", cost, f"commands     {report['commands']}", ""]
    lines += [_line(level) for level in report["levels"]]
    lines += ["", "fetched:"]
    width = max([_WIDTH, *(len(collection) + 2 for collection in report["projections"])])
    lines += [
        f"  {collection:<{width}}{', '.join(keys)}" for collection, keys in report["projections"].items()
    ]
    return "\n".join(lines)


def _line(level: JsonObject) -> str:
    arguments = f"({level['arguments']})" if level["arguments"] else ""
    name, keys = level["field"].partition(".")[2], list(dict.fromkeys(level["keys"]))
    shown = ", ".join(keys[:_MOST_KEYS] + ["…"] * (len(keys) > _MOST_KEYS))
    alias = f"{shown}: " if shown != name else ""
    notes = f"{level['commands']} command" + ("s" if level["commands"] != 1 else "")
    if len(level["keys"]) > 1:
        notes += f", {len(level['keys'])} places"
    if "ms" in level:
        notes += f", {level['parents']} parent{'s' if level['parents'] != 1 else ''}, {level['ms']} ms"
    indent = "  " * (level["level"] - 1)
    return f"{level['level']:>2}  {indent}{alias}{level['field']}{arguments}: {level['type']}  [{notes}]"
