"""A plan, told: for `lectern explain` and for a request that asks for it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from app.execution.cost import Cost
from app.execution.plan import Level, Plan


class Timing(NamedTuple):
    """One call: how many parents it was for, and how long it took."""

    parents: int
    ms: float


#: By the `id` of the level.
Timings: TypeAlias = dict[int, Timing]


def explained(
    plan: Plan | str, cost: Cost, allowed: int, setting: str, timings: Timings | None = None
) -> dict[str, Any]:
    """A plan, or why there is none, as JSON.

    cost: app.execution.cost, with the price that is `allowed` by a setting. commands: how many are sent to
    MongoDB, if each level has parents. levels: every call, parents first. projections: the stored keys that
    are fetched, by collection. timings adds to each level that was called how many parents it had and its
    milliseconds.
    """
    price = {"cost": {**cost._asdict(), "price": cost.price, "allowed": allowed, "setting": setting}}
    if isinstance(plan, str):
        return {"engine": "graphql-core", "reason": plan, **price}
    levels = [_level(depth, level, timings or {}) for depth, level in plan]
    return {
        "engine": "compiled",
        **price,
        "commands": sum(level["commands"] for level in levels),
        "levels": levels,
        "projections": {collection: list(keys) for collection, keys in sorted(plan.projections.items())},
    }


def _level(depth: int, level: Level, timings: Timings) -> dict[str, Any]:
    position = level.uses[0].position
    told: dict[str, Any] = {
        "level": depth,
        "field": position.coordinate,
        "arguments": level.called.arguments.text,
        "keys": [use.position.key for use in level.uses],
        "type": str(position.type),
        "commands": level.called.commands,
    }
    if timing := timings.get(id(level)):
        told |= {"parents": timing.parents, "ms": round(timing.ms, 3)}
    return told


def text(told: Mapping[str, Any]) -> str:
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
    aliases = ", ".join(level["keys"])
    alias = f"{aliases}: " if aliases != level["field"].partition(".")[2] else ""
    notes = f"{level['commands']} command" + ("s" if level["commands"] != 1 else "")
    if "ms" in level:
        notes += f", {level['parents']} parent{'s' if level['parents'] != 1 else ''}, {level['ms']} ms"
    indent = "  " * (level["level"] - 1)
    return f"{level['level']:>2}  {indent}{alias}{level['field']}{arguments}: {level['type']}  [{notes}]"
