"""A plan as JSON and as text: for `lectern explain`, and for a request that asks for its plan."""

from collections.abc import Mapping
from typing import TypeAlias

from graphql.execution.values import VariableValues

from app.execution.compiler import Level, Plan, levels_of
from app.execution.cost import Cost
from app.execution.operation import JsonObject
from app.observing import LevelCalled

_MOST_KEYS = 4  # of one level, in its line of text

#: The calls of a run, by the number of the level's first use.
Timings: TypeAlias = Mapping[int, LevelCalled]


def explained(
    plan: Plan | str,
    variables: VariableValues,
    cost: Cost,
    allowed: int,
    setting: str,
    timings: Timings | None = None,
) -> JsonObject:
    """A plan, or the reason why there is none, as JSON.

    The result has these keys: `cost`, as computed by app.execution.cost, with the highest price `allowed`
    and its `setting`; `commands`, the most that are sent to MongoDB; `levels`, every call once, parents
    first, with the response keys of all places that it serves; `projections`, the fetched keys of each
    collection's documents. With `timings`, each level that was called has its number of parents and its
    milliseconds.
    """
    price = {"cost": {**cost._asdict(), "price": cost.price, "allowed": allowed, "setting": setting}}
    if isinstance(plan, str):
        return {"engine": "graphql-core", "reason": plan, **price}
    levels = levels_of(plan, variables).all
    level_above = {
        inner.number: level.number for level in levels for use in level.uses for inner in use.built.below
    }
    reports = [_level_report(level, level_above, timings or {}) for level in levels]
    return {
        "engine": "compiled",
        **price,
        "commands": sum(report["commands"] for report in reports),
        "levels": reports,
        "projections": {collection: list(keys) for collection, keys in sorted(plan.projections.items())},
    }


def _level_report(level: Level, level_above: Mapping[int, int], timings: Timings) -> JsonObject:
    """level_above: by the number of a use, the number of the level that returns its parents."""
    positions = [use.position for use in level.uses]
    report: JsonObject = {
        "level": level.depth,
        "field": ", ".join(dict.fromkeys(position.coordinate for position in positions)),
        "arguments": level.called.arguments.text,
        "keys": [position.key for position in positions],
        "type": str(positions[0].type),
        "commands": level.called.commands * _times_sent(level, level_above),
    }
    if timing := timings.get(level.uses[0].number):
        report |= {"parents": timing.parents, "ms": round(timing.ms, 3)}
    return report


def _times_sent(level: Level, level_above: Mapping[int, int]) -> int:
    """How many times a level's commands are sent.

    A field of a connection, such as `totalCount`, sends them once for each list, whatever its pages.
    """
    if not level.uses[0].position.parent_type.endswith("Connection"):
        return 1
    return len({level_above[use.number] for use in level.uses})


def plan_text(report: JsonObject) -> str:
    """The result of `explained` as text."""
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
    lines += [f"  {collection:<11}{', '.join(keys)}" for collection, keys in report["projections"].items()]
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
