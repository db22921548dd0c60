"""The prices of a client's operations, and what is wrong with them, for `lectern cost`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import orjson

from app.commands.command_error import CommandError
from app.commands.costs.client_documents import ClientOperation, Place, read
from app.execution import Cost, Operation, Refusal
from app.main import make_executor
from app.observing import configure_logs
from app.settings import load

#: Maps the names of operations to their variables. Any: the values are any JSON values.
Variables: TypeAlias = Mapping[str, Mapping[str, Any]]

_UNNAMED = "(unnamed)"


class Price(NamedTuple):
    """An operation and its cost. budgeted: the price for a budget."""

    operation: ClientOperation
    cost: Cost
    budgeted: int


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
                "fromBudget": budgeted,
                **cost._asdict(),
            }
            for operation, cost, budgeted in self.prices
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
        raise CommandError(
            "There are no operations in these files: expected *.graphql or *.gql files."
            " Name manifests (*.json) themselves."
        )
    _check_names(operations, variables)
    executor = make_executor(settings, for_commands=True)
    prices: list[Price] = []
    problems = list(_clashes(operations))
    for operation in operations:
        text = Operation(operation.text, dict(variables.get(operation.name, {})), operation.name or None)
        priced = executor.highest_price(text)
        if isinstance(priced, Refusal):
            problems += _refused(operation, priced)
            continue
        prices.append(Price(operation, priced.cost, priced.budgeted))
        most, setting = (priced.allowed, priced.setting) if allowed is None else (allowed, "--max")
        if priced.cost.price > most:
            problems.append(_too_expensive(prices[-1], most, setting, priced.advice))
    return Report(prices, settings.max_cost if allowed is None else allowed, problems)


def _check_names(operations: Sequence[ClientOperation], variables: Variables) -> None:
    """Raises CommandError if there is no such operation, or if an operation has no such variable."""
    if unknown := sorted(variables.keys() - {operation.name for operation in operations}):
        raise CommandError(f"--variables: there is no operation {unknown[0]}.")
    for operation in operations:
        if unknown := sorted(variables.get(operation.name, {}).keys() - operation.variables):
            raise CommandError(f"--variables: {operation.name} has no variable `{unknown[0]}`.")


def _clashes(operations: Sequence[ClientOperation]) -> Iterator[str]:
    """Yields the problems of operations that can't be in one document, as they are."""
    by_file: dict[str, list[ClientOperation]] = {}
    for operation in operations:
        by_file.setdefault(operation.place.file, []).append(operation)
    for file, together in by_file.items():
        if len(together) > 1 and together[0].is_in_manifest:
            yield f"{file}: it has several operations. Write a document for each, with its fragments."
        elif len(together) > 1:
            yield from _clashes_in_file(together)


def _clashes_in_file(operations: Sequence[ClientOperation]) -> Iterator[str]:
    first: dict[str, Place] = {}
    for operation in operations:
        name, place = operation.name, operation.place
        if not name:
            yield f"{place}: an operation beside others needs a name. Name it, or move it to its own file."
        elif name in first:
            yield f"{place}: the operation {name} is also defined in {first[name]}. Rename one of them."
        first.setdefault(name, place)


def _line(price: Price) -> str:
    operation, cost, budgeted = price
    parts = f"{cost.objects:>9,} objects  {cost.values:>9,} values  {cost.commands:>4,} commands"
    name, place = operation.name or _UNNAMED, operation.place
    remark = f"  (from a budget: {budgeted:,})" if budgeted != cost.price else ""
    return f"{cost.price:>9,}  {parts}  {name}  {place.file}:{place.line}{remark}"


def _too_expensive(price: Price, most: int, setting: str, advice: str) -> str:
    operation, cost, _ = price
    name = operation.name or _UNNAMED
    return (
        f"{operation.place}: {name} costs up to {cost.price:,}, but at most {most:,} are allowed ({setting})."
        f" {advice}"
    )


def _refused(operation: ClientOperation, refusal: Refusal) -> Iterator[str]:
    for error in refusal.errors:
        place = operation.place
        for location in error.get("locations", ())[:1]:
            place = operation.place_of(location["line"], location["column"])
        is_missing = error["message"].startswith("Unknown fragment ") and not operation.is_in_manifest
        hint = " Give the file or folder with the fragment too." if is_missing else ""
        yield f"{place}: {error['message']}{hint}"
