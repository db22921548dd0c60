"""What is printed for people: messages, with the characters escaped that a terminal would interpret or hide.

Clients, files and databases can contain such characters.
"""

from unicodedata import category

from rich.console import Console

_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
_KEPT = "\u200c\u200d"  # zero-width characters that join or separate letters in some scripts, and join emoji


def printable(text: str) -> str:
    """Returns a string with its control and format characters escaped, for example as \\x1b."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(ascii(c)[1:-1] if category(c) in _ESCAPED and c not in _KEPT else c for c in text)


def printable_lines(text: str) -> str:
    """Returns a string with the characters of its lines escaped, but not its line breaks."""
    return "\n".join(map(printable, text.split("\n")))


def say(message: str, console: Console | None = None) -> None:
    """Prints a message, without wrapping it. Its control characters are escaped, except for line breaks.

    console: standard error if None, because standard output is for the output of commands.
    """
    target = console or Console(stderr=True)
    target.print(printable_lines(message), markup=False, highlight=False, emoji=False, soft_wrap=True)
