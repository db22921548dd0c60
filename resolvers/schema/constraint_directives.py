"""Publishes the bounds of input values in the SDL, as `@constraint`.

They are the bounds that the checks of mutations' inputs enforce (resolvers/values/checks.py), and those of
the arguments and filters of queries (resolvers/relay/).
"""

from collections.abc import Iterator
from typing import cast

import strawberry
from graphql import GraphQLArgument, GraphQLInputField, get_named_type
from strawberry import UNSET
from strawberry.schema_directive import Location
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from resolvers.inputs import Bounds
from resolvers.relay import TEXT_BOUNDS
from resolvers.values import Check

_TEXTS = {"String", "ID"}  # the types whose values in a filter are texts (see relay.set_fields)


@strawberry.schema_directive(
    locations=[Location.ARGUMENT_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    description="The bounds of a value, inclusive. Lengths are in characters, which are Unicode code points;"
    " white space around names, titles, other prose and e-mail addresses doesn't count. In a list,"
    " `maxItems` is the maximum number of its items, and the other bounds apply to each item. `format` is"
    " `email`, `url` (for http or https), `https` (a URL for https only), `slug`, `currency` (ISO 4217),"
    " `country` (ISO 3166-1 alpha-2), `language` (BCP 47) or `term` (a year and a number, such as 2014-3).",
)
class Constraint:
    min_length: int | None = UNSET
    max_length: int | None = UNSET
    min: float | None = UNSET
    max: float | None = UNSET
    max_items: int | None = UNSET
    format: str | None = UNSET


def publish(
    inputs: Iterator[tuple[GraphQLInputField | GraphQLArgument, StrawberryField | StrawberryArgument]],
) -> None:
    """Adds the directive to the declarations of input fields and arguments that have bounds."""
    for value, declared in inputs:
        bounds = {
            name: bound for name, bound in _bounds(value, declared)._asdict().items() if bound is not None
        }
        declared.directives = [Constraint(**bounds)] if bounds else []


def _bounds(
    value: GraphQLInputField | GraphQLArgument, declared: StrawberryField | StrawberryArgument
) -> Bounds:
    if check := declared.metadata.get("check"):
        return cast("Check", check).bounds
    is_criterion = isinstance(value, GraphQLInputField) and get_named_type(value.type).name in _TEXTS
    bounds: Bounds = declared.metadata.get("bounds", TEXT_BOUNDS if is_criterion else Bounds())
    return bounds
