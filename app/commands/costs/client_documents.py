"""Reads the operations of a client from its files, with the fragments that they use."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    Lexer,
    Node,
    OperationDefinitionNode,
    Source,
    TokenKind,
    Visitor,
    parse,
    visit,
)

from app.commands.command_error import CommandError
from app.commands.option_values import contents
from app.persisted import ManifestError, read_manifest

_SUFFIXES = frozenset({".graphql", ".gql"})
_IGNORED = frozenset({"node_modules"})  # folders, besides those whose names begin with a dot
_MANIFEST = ".json"
_MOST_TOKENS = 500_000  # in one file

_Definition = OperationDefinitionNode | FragmentDefinitionNode


class Place(NamedTuple):
    """A place in a file. Lines and columns count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A definition of a document: its text, where it is, and the names of the fragments that it spreads."""

    definition: _Definition
    text: str
    place: Place
    spreads: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClientOperation:
    """An operation, with all fragments that it uses in one text.

    name: empty if the operation has none. place: where the operation begins. variables: their names.
    """

    name: str
    text: str
    place: Place
    variables: Set[str]
    _pieces: Sequence[_Piece]

    @property
    def is_in_manifest(self) -> bool:
        return Path(self.place.file).suffix not in _SUFFIXES

    def place_of(self, line: int, column: int) -> Place:
        """Returns the place in the client's files of a place in `text`."""
        starts = [1]
        for piece in self._pieces[:-1]:
            starts.append(starts[-1] + piece.text.count("\n") + 1)
        index = bisect_right(starts, line) - 1
        piece, below = self._pieces[index], line - starts[index]
        start = piece.place
        return Place(start.file, start.line + below, column if below else start.column + column - 1)


def read(paths: Iterable[Path]) -> list[ClientOperation]:
    """Reads the operations in files and in folders, in order. Fragments can be in other files.

    In a folder, all files named `*.graphql` or `*.gql` are read, in subfolders too, but not in node_modules
    or hidden folders. Definitions of types are ignored. A file named `*.json` is a manifest of operations
    (app.persisted), each with fragments of its own.

    Raises CommandError if a file can't be read or parsed, or if a fragment is missing or not unique.
    """
    files = list(_files(paths))
    documents = [file for file in files if file.suffix != _MANIFEST]
    manifests = [file for file in files if file.suffix == _MANIFEST]
    operations = _joined([piece for file in documents for piece in _pieces(str(file), _text(file))])
    return [*operations, *(one for file in manifests for one in _of_manifest(file))]


def _of_manifest(file: Path) -> Iterator[ClientOperation]:
    try:
        operations = read_manifest(contents(file))
    except ManifestError as error:
        raise CommandError(f"{file}: {error}") from None
    for operation in operations:
        where = f"{file}({operation.id})"
        if not (found := _joined(_pieces(where, operation.text))):
            raise CommandError(f"{where}: it has no operation. Remove it, or write one.")
        yield from found


def _joined(pieces: Sequence[_Piece]) -> list[ClientOperation]:
    """Returns the operations among definitions, each with its fragments among them."""
    fragments = _by_name(piece for piece in pieces if isinstance(piece.definition, FragmentDefinitionNode))
    operations = [piece for piece in pieces if isinstance(piece.definition, OperationDefinitionNode)]
    return [_operation(piece, fragments) for piece in operations]


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            if path.exists() and path.suffix not in {*_SUFFIXES, _MANIFEST}:
                raise CommandError(
                    f"{path} is neither *.graphql or *.gql nor a manifest (*.json)."
                    " Extract its operations, or name the manifest of the client."
                )
            yield path
            continue
        found = (file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        yield from sorted(file for file in found if not _is_ignored(file.relative_to(path)))


def _is_ignored(file: Path) -> bool:
    return any(name in _IGNORED or name.startswith(".") for name in file.parts[:-1])


def _pieces(file: str, text: str) -> list[_Piece]:
    source = Source(text)
    try:
        if Lexer(source).advance().kind is TokenKind.EOF:  # graphql-core's parser wants a definition
            return []
        document = parse(source, max_tokens=_MOST_TOKENS)
    except GraphQLSyntaxError as error:
        line, column = error.locations[0] if error.locations else (1, 1)
        raise CommandError(f"{Place(file, line, column)}: {error.message}") from None
    except RecursionError:
        raise CommandError(f"{file}: the document is nested too deeply to be parsed.") from None
    return [_piece(file, text, d) for d in document.definitions if isinstance(d, _Definition)]


def _text(file: Path) -> str:
    try:
        return contents(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not text: expected GraphQL documents in UTF-8.") from None


def _piece(file: str, text: str, definition: _Definition) -> _Piece:
    location = definition.loc
    assert location is not None  # noqa: S101  # documents are always parsed with locations
    token = location.start_token
    place = Place(file, token.line, token.column)
    spreads = _Spreads()
    visit(definition, spreads)
    return _Piece(definition, text[location.start : location.end], place, list(spreads.names))


class _Spreads(Visitor):
    """Collects the names of the fragments that a definition spreads, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Node | object) -> None:
        self.names[node.name.value] = None


def _by_name(pieces: Iterable[_Piece]) -> Mapping[str, _Piece]:
    found: dict[str, _Piece] = {}
    for piece in pieces:
        name = _name(piece)
        earlier = found.setdefault(name, piece)
        if earlier.text != piece.text:
            raise CommandError(
                f"{piece.place}: the fragment {name} is also defined in {earlier.place}, with another text."
                " Rename one of them."
            )
    return found


def _operation(piece: _Piece, fragments: Mapping[str, _Piece]) -> ClientOperation:
    """Returns an operation with its fragments. A fragment that is missing is left to the validation."""
    used: dict[str, _Piece] = {}
    waiting = list(piece.spreads)
    while waiting:
        name = waiting.pop()
        if name not in used and name in fragments:
            used[name] = fragments[name]
            waiting += fragments[name].spreads
    pieces = [piece, *(used[name] for name in sorted(used))]
    text = "\n".join(p.text for p in pieces)
    return ClientOperation(_name(piece), text, piece.place, _variables(piece), pieces)


def _variables(piece: _Piece) -> Set[str]:
    definitions = getattr(piece.definition, "variable_definitions", None) or ()
    return {definition.variable.name.value for definition in definitions}


def _name(piece: _Piece) -> str:
    return piece.definition.name.value if piece.definition.name else ""
