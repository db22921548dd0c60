"""The length of a text, its tokens and its lines.

The time to parse a text grows with its tokens and its length; the time to locate an error in it, with the
lines before that.
"""

from graphql import DocumentNode, GraphQLSyntaxError, parse

from app.protection.limits import Limits, TooLargeError, over

_ABORTED = "Parsing aborted."  # at a limit, says graphql-core
_NESTED = "nested too deeply"


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
    try:
        return parse(text, max_lexical_tokens=most, max_comments=most)
    except GraphQLSyntaxError as error:
        if not error.message.endswith(_ABORTED):
            raise
        if _NESTED in error.message:
            raise TooLargeError("The document is nested too deeply to be parsed.") from None
        raise too_many from None
