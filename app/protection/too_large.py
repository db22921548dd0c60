"""The error for an operation that exceeds a limit."""


class TooLargeError(Exception):
    """An operation exceeds a limit. The message says which."""


def over(what: str, allowed: int, setting: str, advice: str) -> TooLargeError:
    """Returns the error for an exceeded limit: both figures, the limit's setting, and advice.

    what: a clause that gives the figure, such as `The document has 101 aliases`. allowed: the limit.
    """
    return TooLargeError(f"{what}, but at most {allowed:,} are allowed ({setting}). {advice}")
