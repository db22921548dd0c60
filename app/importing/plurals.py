"""Writes a number with its noun: "1 row", "2,000 rows"."""


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
