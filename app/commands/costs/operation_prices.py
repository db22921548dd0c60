"""The prices of a client's operations, and what is wrong with them, for `lectern cost`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import orjson

from app.commands.command_error import CommandError
from app.commands.costs.client_documents import ClientOperation, read
from app.execution import Cost, Operation, Refusal
from app.main import make_executor
from app.observing import configure_logs
from app.settings import load

#: Maps the names of operations to their variables. Any: the values are any JSON values.
Variables: TypeAlias = Mapping[str, Mapping[str, Any]]

_UNNAMED = "(unnamed)"


class Price(NamedTuple):
    """An operation and its cost."""

    operation: ClientOperation
    cost: Cost


class Report(NamedTuple):
    """The prices of operations, in the order of the files.

    allowed: the highest price that passes. problems: a line for each operation that is invalid or costs more.
    """

    prices: Sequence[Price]
    allowed: int
    problems: Sequence[str]

    def as_text(self) -> str:
        """Returns a line for each operation, the most expensive one first."""
        ordered = sorted(self.prices, key=lambda price: -price.cost.price)
        return "\n".join(map(_line, ordered))

    def as_json(self) -> str:
        operations = [
            {
                "name": operation.name or None,
                "file": operation.place.file,
                "line": operation.place.line,
                "price": cost.price,
                **cost._asdict(),
            }
            for operation, cost in self.prices
        ]
        report = {"max": self.allowed, "operations": operations, "problems": list(self.problems)}
        return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()


def priced(paths: Sequence[Path], variables: Variables, allowed: int | None) -> Report:
    """Prices the operations in files and folders, with the limits of the settings.

    allowed: the highest price that passes; None for the limits of the settings.

    Raises CommandError if there is no operation, or if a file can't be read.
    """
    settings = load()
    configure_logs(settings)
    operations = read(paths)
    if not operations:
        raise CommandError("There are no operations in these files: expected *.graphql or *.gql files.")
    if unknown := sorted(variables.keys() - {operation.name for operation in operations}):
        raise CommandError(f"--variables: there is no operation {unknown[0]}.")
    executor = make_executor(settings, for_commands=True)
    prices: list[Price] = []
    problems: list[str] = []
    for operation in operations:
        text = Operation(operation.text, dict(variables.get(operation.name, {})), operation.name or None)
        priced = executor.highest_price(text)
        if isinstance(priced, Refusal):
            problems += _refused(operation, priced)
            continue
        prices.append(Price(operation, priced.cost))
        most, setting = (priced.allowed, priced.setting) if allowed is None else (allowed, "--max")
        if priced.cost.price > most:
            problems.append(_too_expensive(prices[-1], most, setting))
    return Report(prices, settings.max_cost if allowed is None else allowed, problems)


def _line(price: Price) -> str:
    operation, cost = price
    parts = f"{cost.objects:>9,} objects  {cost.values:>9,} values  {cost.commands:>4,} commands"
    name, place = operation.name or _UNNAMED, operation.place
    return f"{cost.price:>9,}  {parts}  {name}  {place.file}:{place.line}"


def _too_expensive(price: Price, most: int, setting: str) -> str:
    operation, cost = price
    name = operation.name or _UNNAMED
    return (
        f"{operation.place}: {name} costs up to {cost.price:,}, but at most {most:,} are allowed ({setting})."
        " Request smaller pages with `first`, or fewer fields."
    )


def _refused(operation: ClientOperation, refusal: Refusal) -> Iterator[str]:
    for error in refusal.errors:
        place = operation.place
        for location in error.get("locations", ())[:1]:
            place = operation.place_of(location["line"], location["column"])
        yield f"{place}: {error['message']}"
