"""Publishes in the SDL what the price of an operation is computed from: docs/cost.md has the formula.

`@cost` and `@listSize` have the form of IBM's GraphQL Cost Directives specification. `@commands` is Lectern's
own, for MongoDB commands. All are made from the declarations of the fields (resolvers/fields.py), from which
app/execution/pricing/cost.py computes the price.
"""

from collections.abc import Iterator

import strawberry
from graphql import GraphQLField, get_named_type, get_nullable_type, is_list_type
from strawberry import UNSET
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

from resolvers.relay import DEFAULT_SIZE

_PAGE_SIZES = ["first", "last"]


@strawberry.schema_directive(
    locations=[
        Location.ARGUMENT_DEFINITION,
        Location.ENUM,
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.OBJECT,
        Location.SCALAR,
    ],
    description="The number of values as which one occurrence of a field counts, in addition to its objects."
    " Without this directive, a field of a scalar or enum type counts as 1, and any other field as 0.",
)
class Cost:
    weight: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The maximum length of a list: the largest of the values of `slicingArguments` (for a list of"
    " IDs, its length), or `assumedSize` if none of them is given. `sizedFields` are the fields of a page to"
    " which this applies.",
)
class ListSize:
    assumed_size: int | None = UNSET
    slicing_arguments: list[str] | None = UNSET
    sized_fields: list[str] | None = UNSET
    require_one_slicing_argument: bool | None = True


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The maximum number of MongoDB commands with which a field is resolved for all of its parents"
    " at once. `search` is added if the field's `filter` has a `search`.",
)
class Commands:
    count: int
    search: int | None = UNSET


def publish(fields: Iterator[tuple[GraphQLField, StrawberryField]]) -> None:
    """Adds the directives to the declarations of fields."""
    for field, declared in fields:
        declared.directives = list(_directives(field, declared))


def _directives(field: GraphQLField, declared: StrawberryField) -> Iterator[object]:
    metadata = declared.metadata
    if "weight" in metadata:
        yield Cost(weight=str(metadata["weight"]))
    if get_named_type(field.type).name.endswith("Connection"):
        yield ListSize(
            assumed_size=DEFAULT_SIZE,
            slicing_arguments=_PAGE_SIZES,
            sized_fields=["nodes", "edges"],
            require_one_slicing_argument=False,
        )
    elif "ids" in field.args:
        yield ListSize(slicing_arguments=["ids"], require_one_slicing_argument=UNSET)
    elif is_list_type(get_nullable_type(field.type)) and "most" in metadata:
        sliced = {"slicing_arguments": ["first"], "require_one_slicing_argument": False}
        unsliced = {"require_one_slicing_argument": UNSET}
        yield ListSize(assumed_size=metadata["most"], **(sliced if "first" in field.args else unsliced))
    if commands := metadata.get("commands", 0) + metadata.get("rare_commands", 0):
        yield Commands(count=commands, search=metadata["search_commands"] or UNSET)
