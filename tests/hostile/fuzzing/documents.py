"""Documents: valid ones generated from the schema, and mutations of their tokens or bytes."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from graphql import (
    GraphQLCompositeType,
    GraphQLField,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_object_type,
)  # fmt: skip

from resolvers.schema import schema
from tests.hostile.fuzzing.values import ODD, Json, Pool, expected, literal, odd

_SCHEMA = schema
_MAX_DEPTH = 5
_TOKEN = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|\.\.\.|[\w.+-]+|[^\s\w]')

_ODD_TOKENS = (
    "{", "}", "(", ")", "[", "]", "{}", "()", "[]", "!", "$", "@", ":", "=", "|", "&", "...", "..", "#",
    ",,,", "\ufeff", "\0", "\x7f", "\u2028", "ÿ", "名", "__typename", "__schema{types{name}}",
    '__type(name:"Course"){name}', "__proto__", "on", "fragment", "query", "mutation", "subscription",
    "extend", "type", "schema", "null", "true", "false", "@skip(if:true)", "@include(if:$v)", "@include",
    "@skip(if:null)", "@defer", "@stream(initialCount:0)", "@deprecated", "@oneOf", "$v", "$", "...F",
    "...on Course{id}", "...on Node{id}", "...{id}", "first:100", "last:0", "9" * 400, "1e309", "-0",
    "0.0e-400", "00", "0xF", '"', '"""', '"\\u', '"\\uD83D"', '"\\u{1F600}"', '"\\u{110000}"', '"\\ud800"',
    '"""\\""""""', "'a'", "{" * 40, "[" * 40, "a" * 3_000, "a:" * 20, "#" + "x" * 500 + "\n",
)  # fmt: skip


class Text(NamedTuple):
    """A document and its variables."""

    query: str
    variables: dict[str, Json]


class _Writer:
    """Writes one valid document."""

    def __init__(self, random: Random, pool: Pool) -> None:
        self._random, self._pool = random, pool
        self._variables: dict[str, Json] = {}
        self._declared: list[str] = []
        self._fragments: list[str] = []

    def text(self) -> Text:
        kind = "mutation" if self._random.random() < 0.2 else "query"
        root = _SCHEMA.mutation_type if kind == "mutation" else _SCHEMA.query_type
        assert root
        selected = self._selection(root, 0)
        declared = f" F0({', '.join(self._declared)})" if self._declared else ""
        short = kind == "query" and not declared and self._random.random() < 0.5
        head = "" if short else f"{kind}{declared} "
        return Text(" ".join([f"{head}{selected}", *self._fragments]), self._variables)

    def _selection(self, kind: GraphQLCompositeType, depth: int) -> str:
        if is_abstract_type(kind):
            return f"{{ __typename {self._spread(kind, depth)} }}"
        assert is_object_type(kind)
        names = self._random.sample(list(kind.fields), min(len(kind.fields), self._random.choice((1, 2, 3))))
        written = [text for name in names if (text := self._field(name, kind.fields[name], depth))]
        if self._random.random() < 0.1:
            written.append(self._spread(kind, depth))
        return f"{{ {' '.join(written) or '__typename'} }}"

    def _spread(self, kind: GraphQLCompositeType, depth: int) -> str:
        possible = _SCHEMA.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        chosen = self._random.choice(list(possible))
        inner = self._selection(chosen, depth + 1)
        if self._random.random() < 0.5:
            return f"... on {chosen.name} {inner}"
        name = f"F{len(self._fragments) + 1}"
        self._fragments.append(f"fragment {name} on {chosen.name} {inner}")
        return f"...{name}"

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        kind = get_named_type(field.type)
        if is_composite_type(kind) and depth >= _MAX_DEPTH:
            return ""
        alias = f"a{self._random.randrange(1000)}: " if self._random.random() < 0.3 else ""
        return f"{alias}{name}{self._arguments(field)}{self._directive()}" + (
            f" {self._selection(kind, depth + 1)}" if is_composite_type(kind) else ""
        )

    def _arguments(self, field: GraphQLField) -> str:
        arguments = []
        for name, argument in field.args.items():
            if str(argument.type).endswith("!") or self._random.random() < 0.25:
                value = expected(self._random, argument.type, self._pool)
                if self._random.random() < 0.4:
                    variable = f"v{len(self._variables)}"
                    self._variables[variable] = value
                    self._declared.append(f"${variable}: {argument.type}")
                    arguments.append(f"{name}: ${variable}")
                else:
                    arguments.append(f"{name}: {literal(value)}")
        return f"({', '.join(arguments)})" if arguments else ""

    def _directive(self) -> str:
        if self._random.random() > 0.05:
            return ""
        return self._random.choice((" @include(if: true)", " @skip(if: false)", " @skip(if: true)"))


def valid(random: Random, pool: Pool) -> Text:
    """A valid document with valid variables."""
    return _Writer(random, pool).text()


def mutated(random: Random, text: str) -> str:
    """A document with a few of its tokens changed."""
    tokens = _TOKEN.findall(text)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        random.choice(_TOKEN_MUTATIONS)(random, tokens)
    return random.choice((" ", " ", "\n", ",", "\t")).join(tokens)


def _delete(random: Random, tokens: list[str]) -> None:
    at = random.randrange(len(tokens) + 1)
    del tokens[at : at + random.choice((1, 1, 2, 5))]


def _repeat(random: Random, tokens: list[str]) -> None:
    at = random.randrange(len(tokens) + 1)
    end = at + random.choice((1, 1, 3, 10))
    tokens[at:end] = tokens[at:end] * random.choice((2, 2, 3, 30))
    del tokens[3_000:]


def _swap(random: Random, tokens: list[str]) -> None:
    if tokens:
        one, other = random.randrange(len(tokens)), random.randrange(len(tokens))
        tokens[one], tokens[other] = tokens[other], tokens[one]


def _replace(random: Random, tokens: list[str]) -> None:
    if tokens:
        tokens[random.randrange(len(tokens))] = _token(random, tokens)


def _insert(random: Random, tokens: list[str]) -> None:
    tokens.insert(random.randrange(len(tokens) + 1), _token(random, tokens))


def _token(random: Random, tokens: Sequence[str]) -> str:
    chance = random.random()
    if chance < 0.3 and tokens:
        return random.choice(tokens)
    return literal(random.choice(ODD)) if chance < 0.5 else random.choice(_ODD_TOKENS)


_TOKEN_MUTATIONS: tuple[Callable[[Random, list[str]], None], ...] = (
    _delete,
    _repeat,
    _swap,
    _replace,
    _insert,
    _insert,
)


def damaged(random: Random, text: bytes) -> bytes:
    """The text with a few bytes changed."""
    changed = bytearray(text)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        at = random.randrange(len(changed) + 1)
        chance = random.random()
        if chance < 0.3:
            changed[at : at + 1] = bytes([random.randrange(256)])
        elif chance < 0.5:
            del changed[at : at + random.choice((1, 4, 20))]
        elif chance < 0.6:
            del changed[at:]
        elif chance < 0.8:
            changed[at:at] = random.choice(
                (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b"\xf0\x9f", b"\xef\xbb\xbf")
            )
        else:
            changed[at:at] = changed[random.randrange(len(changed) + 1) :][:30]
    return bytes(changed)


def with_odd(random: Random, value: Json) -> Json:
    """The value with one part of it replaced by something unexpected."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        name = random.choice(list(value))
        return {**value, name: with_odd(random, value[name])}
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        return [*value[:at], with_odd(random, value[at]), *value[at + 1 :]]
    return odd(random)
