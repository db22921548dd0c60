"""The error for an operation that exceeds a limit."""


class TooLargeError(Exception):
    """An operation exceeds a limit. The message names the limit.

    setting: the setting that defines the limit; empty if the limit is fixed.
    """

    def __init__(self, message: str, setting: str = "") -> None:
        super().__init__(message)
        self.setting = setting


def over(what: str, allowed: int, setting: str, advice: str) -> TooLargeError:
    """Returns the error for an exceeded limit.

    what: a clause that gives the actual figure, such as `The document has 101 aliases`. allowed: the limit.
    setting: the setting that defines the limit. advice: a sentence that tells the client what to change.
    """
    return TooLargeError(f"{what}, but at most {allowed:,} are allowed ({setting}). {advice}", setting)
