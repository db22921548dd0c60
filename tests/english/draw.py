"""Draws comments, docstrings, descriptions and messages at random, to be read without the code around them.

    .venv/bin/python -m tests.english.draw --seed 1 > sample.md

A reader marks each as clear, awkward (understood at the second reading, or no native speaker would put it so)
or opaque (not understood).
"""

import argparse
import ast
import io
import random
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from graphql import build_schema, is_introspection_type

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "resolvers", "loaders")
_DIRECTIVE = re.compile(r"#\s*(noqa|type:|fmt:|ruff:|pragma)")
_RAISING = re.compile(r"(Error|refusal|_say|fail|warning|error|info|log|echo|BadParameter|HTTPException)$")


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def comments(path: Path) -> Iterator[str]:
    """Comments, with those of adjacent lines as one."""
    lines: list[str] = []
    last = -1  # the line of the last comment, if nothing else is on it
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    for token in tokens:
        if token.type != tokenize.COMMENT or _DIRECTIVE.match(token.string):
            continue
        text = token.string.lstrip("#: ").split("  # noqa")[0].strip()
        is_alone = token.line.strip().startswith("#")
        if token.start[0] == last + 1 and lines and is_alone:
            lines.append(text)
        else:
            if lines:
                yield " ".join(lines)
            lines = [text]
        last = token.start[0] if is_alone else -1
    if lines:
        yield " ".join(lines)


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                name = getattr(node, "name", path.stem)
                yield f"[{name}] {text}"


def messages(path: Path) -> Iterator[str]:
    """The texts of errors, refusals, log lines and command output."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not _RAISING.search(ast.unparse(node.func)):
            continue
        for argument in node.args:
            if isinstance(argument, ast.Constant | ast.JoinedStr):
                text = ast.unparse(argument)
                if len(text.split()) > 3:
                    yield text


def descriptions() -> Iterator[str]:
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    for name, type_ in schema.type_map.items():
        if is_introspection_type(type_):
            continue
        if type_.description:
            yield f"[{name}] {type_.description}"
        for kind in ("fields", "values"):
            for own, member in (getattr(type_, kind, None) or {}).items():
                if member.description:
                    yield f"[{name}.{own}] {member.description}"
                for argument, given in (getattr(member, "args", None) or {}).items():
                    if given.description:
                        yield f"[{name}.{own}({argument}:)] {given.description}"


def _shown(title: str, texts: list[str], count: int, draw: random.Random) -> None:
    print(f"## {title}: {count} of {len(texts)}\n")
    for number, text in enumerate(draw.sample(sorted(set(texts)), count), 1):
        print(f"{number}. " + text.replace("\n", "\n   ") + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, required=True)
    draw = random.Random(parser.parse_args().seed)
    texts = [text for path in modules() for text in (*comments(path), *docstrings(path))]
    _shown("Comments and docstrings", texts, 60, draw)
    _shown("Descriptions", list(descriptions()), 30, draw)
    _shown("Messages", [text for path in modules() for text in messages(path)], 20, draw)


if __name__ == "__main__":
    main()
