"""The length of a text, its tokens and its lines.

The time to parse a text grows with its tokens and its length; the time to locate an error in it, with the
lines before that.
"""

from graphql import DocumentNode, GraphQLSyntaxError, Lexer, Source
from graphql.language.parser import Parser

from app.protection.limits import Limits, TooLargeError, over

_ABORTED = "Parsing aborted."  # at a limit, says graphql-core


def parsed(text: str, limits: Limits) -> DocumentNode:
    """The document of a text. Comments and lines are counted apart, and may be as many as tokens.

    Raises GraphQLSyntaxError or TooLargeError.
    """
    if len(text) > limits.query_length:
        raise over(
            f"The document has {len(text):,} characters",
            limits.query_length,
            "MAX_QUERY_LENGTH",
            "Send long values as variables.",
        )
    most = limits.query_tokens
    too_many = over(
        f"The document has more than {most:,} tokens, comments or lines",
        most,
        "MAX_QUERY_TOKENS",
        "Ask for less at once.",
    )
    if text.count("\n") + text.count("\r") > most:
        raise too_many
    lexer = Lexer(Source(text))
    try:
        return Parser(lexer.source, lexer=lexer, max_lexical_tokens=most, max_comments=most).parse_document()
    except RecursionError:
        raise TooLargeError("The document is nested too deeply to be parsed.") from None
    except GraphQLSyntaxError as error:
        if error.message.endswith(_ABORTED):
            raise too_many from None
        raise
    finally:
        _unlink(lexer)


def _unlink(lexer: Lexer) -> None:
    """Tokens refer to each other in both directions: with the texts in them they would be left to the garbage
    collector. Nothing needs the next one once all is parsed.
    """
    token = lexer.token
    while token.next:
        token = token.next
    while token:
        before, token.prev, token.next = token.prev, None, None
        if before is None:
            break
        token = before
