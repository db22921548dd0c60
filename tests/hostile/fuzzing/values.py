"""Values that a client may send: expected ones, and unexpected ones."""

import json
from random import Random
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)  # fmt: skip

Json: TypeAlias = Any  # a value that a client sends, or a part of one

#: Global IDs, slugs and cursors that exist in the fuzzed database.
Pool: TypeAlias = list[str]

_WORDS = ("python", "data science", "a", "REACT", "course-1", "en", "2014-3", "nobody@example.org", "a" * 300)
_DATES = (
    "2026-01-01T00:00:00Z", "2026-01-01", "soon", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-12:00",
)  # fmt: skip

#: Values that no field expects. `written` encodes them as JSON, with `Raw` values unchanged.
ODD: tuple[Json, ...] = (
    None, True, False, 0, -1, 1, 101, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, 2**64, 1e-320, 1e308, -0.0,
    0.5, "", " ", "\0", "a\0b", "\ufeff", "\ud800", "\udfff\ud800", "\u202e", "\u0301" * 50, "\ufdfa" * 50,
    "🏳️‍🌈" * 20, "한국어-초급", "%00", "../../etc/passwd", "' OR 1=1 --", "{{7*7}}", "${jndi:ldap://x}",
    "<script>", "$where", "Q291cnNlOjE=", "Q291cnNlOg==", "Tm9wZTo2YTk2", "Og==", "=", "bnVsbA",
    "9" * 4_301, "a" * 5_000, [], {}, [[]], [None], {"": ""}, {"$gt": ""}, {"$ne": None}, {"$where": "1"},
    {"__proto__": {}}, [[[[[[1]]]]]], [1] * 300, {str(n): n for n in range(300)},
)  # fmt: skip


class Raw(str):
    """A piece of JSON, or of something like JSON."""

    __slots__ = ()


_RAW = (
    "NaN", "Infinity", "-Infinity", "1e309", "-1e309", "1E+400", "9" * 400, "-" + "9" * 400, "0x10", "01",
    "1.", ".5", "+1", '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x00"', '"\t"', "'a'", "undefined",
    "[" * 2_000 + "]" * 2_000, '{"a":' * 500 + "1" + "}" * 500, "[" * 500, "/**/1", "tru", '{"a":1,"a":2}',
)  # fmt: skip


def expected(random: Random, kind: GraphQLInputType, pool: Pool, depth: int = 0) -> Json:
    """A value of an input type, valid in most cases."""
    if not isinstance(kind, GraphQLNonNull) and random.random() < 0.1:
        return None
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if isinstance(kind, GraphQLList):
        return [expected(random, kind.of_type, pool, depth) for _ in range(random.choice((0, 1, 2, 5)))]
    if isinstance(kind, GraphQLEnumType):
        return Enum(random.choice(list(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        wanted = [
            name
            for name, field in kind.fields.items()
            if isinstance(field.type, GraphQLNonNull) or (depth < 2 and random.random() < 0.3)
        ]
        return {name: expected(random, kind.fields[name].type, pool, depth + 1) for name in wanted}
    return _scalar(random, kind.name, pool)


class Enum(str):
    """The name of an enum value."""

    __slots__ = ()


def _scalar(random: Random, name: str, pool: Pool) -> Json:
    if name == "Int":
        return random.choice((0, 1, 2, 3, 5, 5, 10, 100, 101, -1))
    if name == "Float":
        return random.choice((0, 0.5, 1, 3.5, 5, 1e10))
    if name == "Boolean":
        return random.random() < 0.5
    if name == "DateTime":
        return random.choice(_DATES)
    return random.choice(pool) if random.random() < (0.9 if name == "ID" else 0.4) else random.choice(_WORDS)


def odd(random: Random) -> Json:
    """An unexpected value."""
    return Raw(random.choice(_RAW)) if random.random() < 0.3 else random.choice(ODD)


def literal(value: Json) -> str:
    """A value as a GraphQL literal."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {literal(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return written(value)


def written(value: Json) -> str:
    """A value as JSON, with `Raw` pieces unchanged."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(name)}: {written(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value)
