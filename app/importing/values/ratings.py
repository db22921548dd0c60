"""Reads ratings, averages and shares: "4.5", "9/10", "★★★★", "4.7 out of 5 (55 reviews)", "85 %".

A number without a scale is read on the scale that was decided for its column.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.numbers import NUMBER, Mark, ascii_digits, count, decimal_mark, exact, parse
from app.importing.values.words import WORDS
from loaders.model import ImportedRating

#: The highest possible rating of a column, for numbers that don't name it. 0 means that it is unclear. Such
#: numbers are then invalid.
Scale = Literal[0, 5, 10, 100]

#: Marks and words for per cent.
_HUNDREDTHS = r"[%\uff05\u066a]|percent\b|per cent\b|pct\b|prozent\b"
_SCALES: tuple[Scale, ...] = (5, 10, 100)
#: Numbers above a scale are taken for typing errors if their share is at most _ERRORS. If their share is at
#: least _LARGER, a larger scale is assumed.
_ERRORS, _LARGER = 0.2, 0.4
_OUT_OF = rf"(?:/|\b(?:{'|'.join(WORDS['ratings']['out_of'])})\b)"
_UNIT = r"(?:★|⭐|\*|stars?\b|sternen?\b|sterne\b|étoiles?\b|estrellas?\b|estrelas?\b|points?\b|pts?\b)?"
_SCORE = re.compile(
    r"(?:(?:rated|rating|score|note|bewertung)\s*:?\s+|[★⭐]\s*(?=\d))?"
    rf"(?P<number>\d+\s?½|{NUMBER})\s*"
    rf"(?:{_UNIT}\s*{_OUT_OF}\s*(?P<scale>\d+)(?:[.,]0+(?!\d))?|(?P<percent>{_HUNDREDTHS}))?\s*{_UNIT}",
    re.IGNORECASE,
)
_DRAWN = re.compile(r"(?![★⭐]\s*\d)(?P<full>[★⭐]+)(?P<half>[½⯪]?)(?P<empty>[☆✩]*)|(?P<asterisks>\*{1,5})")
_COUNT = re.compile(
    rf"\s*(?:[|,;·]|based on|from|(?P<open>[(\[]))\s*(?:[^\d()\[\]]+\s)?"
    rf"(?P<count>(?:{NUMBER})\s*[km]?)(?!\s*%)"
    r"(?(open)[^\d)\]]*[)\]])\D*",
    re.IGNORECASE,
)
_PERCENT = re.compile(rf"(?:{_HUNDREDTHS})\s*(\S.*)|(.*\S)\s*(?:{_HUNDREDTHS})", re.IGNORECASE)
_ZERO = "is zero, which is not a rating"
_NAMES_PERCENT = frozenset(("percent", "percentage", "pct", "prozent", "pourcentage", "porcentaje"))


class _Score(NamedTuple):
    """A rating as written. scale: the highest possible rating, if the text names it."""

    number: Decimal
    scale: Decimal | None
    end: int


def stars(
    value: object, *, scale: Scale | None = None, round: bool = False, decimal: Mark | None = None
) -> int:
    """Reads a rating as a whole number from 1 to 5.

    `scale` is the highest possible rating, if the cell doesn't name it. Ratings on a scale other than 5 are
    converted proportionally and rounded. Fractions on a scale of 5 are rounded only if `round` is set. Halves
    are rounded up.
    """
    if type(value) is int and scale in (None, 5) and 1 <= value <= 5:
        return value
    number, highest = _whole_score(value, scale, decimal)
    if number == 0:
        raise ValueError(_ZERO)
    if not 0 < number <= highest or (highest == 5 and number < 1):
        raise ValueError(f"is not between {1 if highest == 5 else 0} and {highest}")
    if highest == 5 and not round and number != int(number):
        raise ValueError("is not a whole number (round = true rounds it)")
    return max(1, int((number * 5 / highest).quantize(Decimal(1), ROUND_HALF_UP)))


def rating(
    value: object, *, count: object = None, scale: Scale | None = None, decimal: Mark | None = None
) -> ImportedRating | None:
    """Reads an average rating and the number of ratings, from one or two columns.

    Examples in one column are "4.7 (55)", "4.7/5 (1.2k ratings)" and "94% (55)". `count` is the value of the
    second column. An average without a count gets the count None. `scale` is the highest possible rating, if
    the cell doesn't name it. The average is converted to a scale of 5. Returns None if there are no ratings:
    if the count is 0, or if the average is 0 without a count.
    """
    number, highest, number_of = _average(value, count, scale, decimal)
    if number_of == 0 or (number_of is None and number == 0):
        return None
    average = number if highest == 5 else (number * 5 / highest).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if not 1 <= average <= 5:
        raise ValueError("is not an average rating from 1 to 5")
    return {"average": float(average), "count": number_of}


def fraction(value: object, *, scale: Literal[1, 100] | None = None, decimal: Mark | None = None) -> float:
    """Reads a share from 0 to 1: "0.5", "50 %" or "6/12". With `scale` 100, "85" is 0.85."""
    text = ascii_digits(str(value)).strip()
    if per_cent := _PERCENT.fullmatch(text):
        share = exact(per_cent[1] or per_cent[2], mark=decimal) / 100
    elif parts := re.fullmatch(rf"({NUMBER})\s*{_OUT_OF}\s*({NUMBER})", text, re.IGNORECASE):
        whole = parse(parts[2], decimal, thousands=True)
        share = parse(parts[1], decimal, thousands=True) / whole if whole else Decimal(-1)
    else:
        share = exact(value, mark=decimal) / (scale or 1)
    if not 0 <= share <= 1:
        raise ValueError(
            "is neither between 0 and 1 nor between 0% and 100% (set scale = 100 to have 85 read as 85%)"
        )
    return float(share)


def decide_scale(column: Column, given: Options) -> Decision:
    """Decides the scale of ratings that are bare numbers: the smallest that fits nearly all of them."""
    decision = decimal_mark(column, given)
    mark = {**given, **decision.options}.get("decimal")
    scores = [score for cell in column.cells if (score := _score_or_none(cell, mark))]
    bare = [score.number for score in scores if score.scale is None]
    if "scale" in given or not bare:
        return decision
    scale = _smallest_scale(bare)
    if scale is None:
        return decision | Decision(
            {"scale": 0}, notes=["its numbers fit no scale of 5, 10 or 100 (set scale)"]
        )
    outside = sum(number > scale for number in bare)
    notes = [f"{outside} of {len(bare)} numbers in the sample are above {scale}"] if outside else []
    return decision | Decision({"scale": scale}, {"scale": f"ratings up to {scale}"}, notes)


def decide_rating(column: Column, given: Options) -> Decision:
    """Decides the scale of average ratings.

    If a column of "ratings" has only whole numbers, they get no scale, because they may be counts.
    """
    decision = decide_scale(column, given)
    if "scale" in given or "count" in given or column.words()[-1:] != ["ratings"]:
        return decision
    bare = [
        n for cell in column.cells if (n := _bare_number(cell, decision.options.get("decimal"))) is not None
    ]
    if not bare or any(number != int(number) for number in bare):
        return decision
    note = "whole numbers may be counts of ratings, so they are not read (set scale if they are averages)"
    return Decision({**decision.options, "scale": 0}, notes=[note])


def have_counts(cells: Sequence[object]) -> bool:
    """Returns whether most of the ratings in a column are followed by the number of ratings."""
    texts = [ascii_digits(cell).strip() for cell in cells if isinstance(cell, str)]
    scores = [(text, score) for text in texts if (score := _score_or_none(text, None))]
    return sum(bool(_COUNT.fullmatch(text[score.end :])) for text, score in scores) * 2 > len(scores)


def decide_stars(column: Column, given: Options) -> Decision:
    """Decides the scale, and whether to round.

    Ratings are rounded if the column has halves or other fractions on a scale of 5.
    """
    decision = decide_scale(column, given)
    options = {**given, **decision.options}
    scores = [score for cell in column.cells if (score := _score_or_none(cell, options.get("decimal")))]
    on_five = [s.number for s in scores if (s.scale or options.get("scale", 5)) == 5]
    if "round" not in given and any(number != int(number) for number in on_five):
        return decision | Decision({"round": True}, {"round": "fractions of stars are rounded, halves up"})
    return decision


def decide_fraction(column: Column, given: Options) -> Decision:
    """Decides whether numbers are fractions of 1 or percentages.

    They are percentages if more numbers are above 1 than between 0 and 1, or if all are 0 or 1 and the
    column's name says so.
    """
    decision = decimal_mark(column, given)
    if "scale" in given:
        return decision
    numbers = [
        n for cell in column.cells if (n := _bare_number(cell, decision.options.get("decimal"))) is not None
    ]
    if not numbers:
        return decision
    above, between = sum(n > 1 for n in numbers), sum(0 < n < 1 for n in numbers)
    if not above and not between and not _NAMES_PERCENT.isdisjoint(column.words()):
        return decision | Decision(
            {"scale": 100}, {"scale": "numbers are per cent, as the column's name says"}
        )
    if above > between:
        return decision | Decision({"scale": 100}, {"scale": "numbers are per cent"} if between else {})
    sure = between and not above
    return decision | Decision({"scale": 1}, {} if sure else {"scale": "1 means 100 %, not 1 %"})


def _smallest_scale(numbers: Sequence[Decimal]) -> Scale | None:
    """Returns the smallest scale that fits a column's numbers, or None if no scale clearly does."""
    for scale in _SCALES:
        outside = sum(number > scale for number in numbers) / len(numbers)
        if outside <= _ERRORS:
            return scale
        if outside < _LARGER:
            return None
    return None


def _whole_score(value: object, scale: Scale | None, mark: Mark | None) -> tuple[Decimal, Decimal]:
    """Reads a rating, which may be followed by a number of ratings.

    Returns the rating and the highest possible rating.
    """
    score = _score(value, mark)
    rest = str(value)[score.end :].strip() if isinstance(value, str) else ""
    if rest and not _COUNT.fullmatch(ascii_digits(rest)):
        raise ValueError("is not a rating")
    return score.number, _highest(score, scale)


def _highest(score: _Score, scale: Scale | None) -> Decimal:
    if score.scale is None and scale == 0:
        raise ValueError("has no clear scale (set scale = 5, 10 or 100)")
    return score.scale or Decimal(scale or 5)


def _average(
    value: object, count_of: object, scale: Scale | None, mark: Mark | None
) -> tuple[Decimal, Decimal, int | None]:
    if count_of is not None:
        return *_whole_score(value, scale, mark), count(count_of)
    score = _score(value, mark)
    rest = ascii_digits(value).strip()[score.end :] if isinstance(value, str) else ""
    if not rest.strip():
        return score.number, _highest(score, scale), None
    match = _COUNT.fullmatch(rest)
    if match is None:
        raise ValueError('is not an average rating, such as "4.7" or "4.7 (55)"')
    return score.number, _highest(score, scale), count(match["count"])


def _score(value: object, mark: Mark | None) -> _Score:
    if not isinstance(value, str):
        return _Score(exact(value), None, 0)
    text = ascii_digits(value).strip()
    if drawn := _DRAWN.match(text):
        return _drawn_score(drawn)
    match = _SCORE.match(text)
    if match is None or text[match.end("number") :][:1].isalpha():
        raise ValueError("is not a rating")
    scale = Decimal(match["scale"]) if match["scale"] else Decimal(100) if match["percent"] else None
    if scale == 0:
        raise ValueError("is not a rating")
    return _Score(_number(match["number"], mark), scale, match.end())


def _number(written: str, mark: Mark | None) -> Decimal:
    if written.endswith("½"):
        return parse(written[:-1].strip(), ".") + Decimal("0.5")
    return parse(written, mark or ".")  # "1.299" is not 1,299, because no rating is above a thousand


def _drawn_score(match: re.Match[str]) -> _Score:
    """Reads a rating drawn with stars. Four full stars without empty ones mean four out of five."""
    if match["asterisks"]:
        return _Score(Decimal(len(match["asterisks"])), Decimal(5), match.end())
    full = len(match["full"])
    half = Decimal("0.5") if match["half"] else Decimal(0)
    drawn = full + len(match["half"]) + len(match["empty"])
    return _Score(full + half, Decimal(drawn if drawn in (5, 10) and match["empty"] else 5), match.end())


def _score_or_none(cell: object, mark: Mark | None) -> _Score | None:
    try:
        return _score(cell, mark)
    except ValueError:
        return None


def _bare_number(cell: object, mark: Mark | None) -> Decimal | None:
    try:
        return exact(cell, mark=mark)
    except ValueError:
        return None
