"""A plan, told: for `lectern explain` and for a request that asks for it."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from graphql.execution.values import VariableValues

from app.execution.compiler import Level, Plan, levels_of
from app.execution.cost import Cost
from app.observing import LevelCalled

_MOST_KEYS = 4  # of a level, in a line


#: The calls of a run, by the number of their level's first use.
Timings: TypeAlias = Mapping[int, LevelCalled]


def explained(
    plan: Plan | str,
    variables: VariableValues,
    cost: Cost,
    allowed: int,
    setting: str,
    timings: Timings | None = None,
) -> dict[str, Any]:
    """A plan, or why there is none, as JSON.

    cost: app.execution.cost, with the price that is `allowed` by a setting. commands: how many are sent to
    MongoDB at most. levels: every call once, parents first, with the keys of all places that it is for.
    projections: the stored keys that are fetched, by collection. timings adds to each level that was called
    how many parents it had and its milliseconds.
    """
    price = {"cost": {**cost._asdict(), "price": cost.price, "allowed": allowed, "setting": setting}}
    if isinstance(plan, str):
        return {"engine": "graphql-core", "reason": plan, **price}
    known = levels_of(plan, variables)
    above = {
        inner.number: level.number for level in known.all for use in level.uses for inner in use.built.below
    }
    found = [_level(level, above, timings or {}) for level in known.all]
    return {
        "engine": "compiled",
        **price,
        "commands": sum(level["commands"] for level in found),
        "levels": found,
        "projections": {collection: list(keys) for collection, keys in sorted(plan.projections.items())},
    }


def _level(level: Level, above: Mapping[int, int], timings: Timings) -> dict[str, Any]:
    """above: the number of the level that a use's parents come from, by the use's."""
    positions = [use.position for use in level.uses]
    told: dict[str, Any] = {
        "level": level.depth,
        "field": ", ".join(dict.fromkeys(position.coordinate for position in positions)),
        "arguments": level.called.arguments.text,
        "keys": [position.key for position in positions],
        "type": str(positions[0].type),
        "commands": level.called.commands * _lists(level, above),
    }
    if timing := timings.get(level.uses[0].number):
        told |= {"parents": timing.parents, "ms": round(timing.ms, 3)}
    return told


def _lists(level: Level, above: Mapping[int, int]) -> int:
    """How often its commands are sent: what is asked of lists is asked of each, whatever its pages."""
    if not level.uses[0].position.parent_type.endswith("Connection"):
        return 1
    return len({above[use.number] for use in level.uses})


def plan_text(told: Mapping[str, Any]) -> str:
    """What `explained` gives, for people."""
    price = told["cost"]
    cost = (
        f"cost         up to {price['price']:,} of {price['allowed']:,} ({price['setting']}): "
        f"{price['objects']:,} objects, {price['values']:,} values, {price['commands']:,} commands"
    )
    if told["engine"] != "compiled":
        return f"engine       graphql-core: {told['reason']}\n{cost}"
    lines = ["engine       compiled", cost, f"commands     {told['commands']}", ""]
    lines += [_line(level) for level in told["levels"]]
    lines += ["", "fetched:"]
    lines += [f"  {collection:<11}{', '.join(keys)}" for collection, keys in told["projections"].items()]
    return "\n".join(lines)


def _line(level: Mapping[str, Any]) -> str:
    arguments = f"({level['arguments']})" if level["arguments"] else ""
    own, keys = level["field"].partition(".")[2], list(dict.fromkeys(level["keys"]))
    shown = ", ".join(keys[:_MOST_KEYS] + ["…"] * (len(keys) > _MOST_KEYS))
    alias = f"{shown}: " if shown != own else ""
    notes = f"{level['commands']} command" + ("s" if level["commands"] != 1 else "")
    if len(level["keys"]) > 1:
        notes += f", {len(level['keys'])} places"
    if "ms" in level:
        notes += f", {level['parents']} parent{'s' if level['parents'] != 1 else ''}, {level['ms']} ms"
    indent = "  " * (level["level"] - 1)
    return f"{level['level']:>2}  {indent}{alias}{level['field']}{arguments}: {level['type']}  [{notes}]"
