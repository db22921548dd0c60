"""Limits the length, tokens and lines of a document while it is parsed.

The time to parse a document grows with its length and its number of tokens. The time to locate an error grows
with the number of lines before the error.
"""

from graphql import DocumentNode, GraphQLSyntaxError, Lexer, Source
from graphql.language.parser import Parser

from app.operation_limits import Limits
from app.protection.too_large import TooLargeError, over

_ABORTED = "Parsing aborted."  # how graphql-core's error message ends if a limit is exceeded


def parsed(text: str, limits: Limits) -> DocumentNode:
    """Parses a document.

    The numbers of tokens, comments and lines are each limited to `query_tokens`. A CRLF counts as two lines.

    Raises GraphQLSyntaxError or TooLargeError.
    """
    if len(text) > limits.query_length:
        raise over(
            f"The document has {len(text):,} characters",
            limits.query_length,
            "LECTERN_MAX_QUERY_LENGTH",
            "Send long values as variables.",
        )
    limit = limits.query_tokens
    too_many = over(
        f"The document has more than {limit:,} tokens, comments or lines",
        limit,
        "LECTERN_MAX_QUERY_TOKENS",
        "Send a shorter document.",
    )
    if text.count("\n") + text.count("\r") > limit:
        raise too_many
    lexer = Lexer(Source(text))
    try:
        return Parser(
            lexer.source, lexer=lexer, max_lexical_tokens=limit, max_comments=limit
        ).parse_document()
    except RecursionError:
        raise TooLargeError("The document is nested too deeply to be parsed.") from None
    except GraphQLSyntaxError as error:
        if error.message.endswith(_ABORTED):
            raise too_many from None
        raise
    finally:
        _unlink(lexer)


def _unlink(lexer: Lexer) -> None:
    """Unlinks the tokens, which refer to each other in both directions.

    The links are not needed after parsing. They form reference cycles, which would keep the tokens and their
    strings in memory until the garbage collector runs.
    """
    token = lexer.token
    while token.next:
        token = token.next
    while token:
        previous, token.prev, token.next = token.prev, None, None
        if previous is None:
            break
        token = previous
