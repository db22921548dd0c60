"""Reads prices: "₹1,299", "1.299 €", "£1.5k", "C$ 100", "Rs. 4999/-", "Free".

A sign that several currencies share, such as "$", means the currency in the option `currency` if that
currency has the sign. Otherwise, the most common currency with the sign is assumed, and the import reports
that. If a price names no currency, the currency is decided for the whole column (see decide_price).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.numbers import (
    MULTIPLE,
    NUMBER,
    Mark,
    ascii_digits,
    decimal_mark,
    exact,
    most_decimals,
    unclear_numbers,
)
from app.importing.values.words import WORDS, by_word
from loaders.codes import minor_units
from loaders.model import MoneyDoc

#: Signs that belong to a single currency, and signs that several currencies share. For a shared sign other
#: than "kr", the first currency is assumed.
_SIGNS = by_word("currency_signs")
_SHARED: Mapping[str, Sequence[str]] = WORDS["shared_currency_signs"]
_LARGEST = 2_000_000_000  # in minor units; fits in GraphQL's Int, which has 32 bits
_LONGEST = 500  # maximum length, in characters; a longer string is not a price and is slow to search
_NOT_ASSUMED = ("KR",)
_WIDE_SIGNS = str.maketrans("\uffe5\uff04\uffe1\uffe6", "¥$£₩")
_OTHER_WORDS = frozenset(WORDS["prices"]["other_words"])
_FREE = frozenset(WORDS["prices"]["free"])
_SIGN = "|".join(re.escape(sign) for sign in sorted((*_SIGNS, *_SHARED), key=len, reverse=True))
_NAMED = re.compile(rf"(?<![^\W\d_])(?:{_SIGN})(?:(?<=[^\W\d_])\.)?(?![^\W\d_])", re.IGNORECASE)
_CODE = re.compile(r"(?<![^\W_])[A-Z]{3}(?![^\W_])")
_ONLY_CODE = re.compile(rf"(?:([a-z]{{3}})\s*(?:{NUMBER})|(?:{NUMBER})\s*([a-z]{{3}}))\W*", re.IGNORECASE)
_AMOUNT = re.compile(
    rf"(?P<minus>[-\u2212]\s*)?(?P<number>(?:{NUMBER})(?:\s?(?:{MULTIPLE})(?![^\W\d_]))?)",
    re.IGNORECASE,
)
_AFTER = re.compile(rf"(?:{NUMBER})(?P<space>\s?)(?P<word>[^\W\d_]+)")
#: Meaningless marks after an amount, as in "49,-" and "4999/-".
_DECORATION = re.compile(r"[.,]?\s?[-\u2013\u2014]{1,2}(?=\s|$|[^\d\s])|/-|/=")
#: Ways to write a negative amount: "-€50", "($50)", "49.00-".
_NEGATIVE = re.compile(
    rf"[-\u2212]\s*(?:{_SIGN}|[A-Z]{{3}})\s*\d.*"
    rf"|\(\s*(?:{_SIGN}|[A-Z]{{3}})?\s*(?:{NUMBER})\s*(?:{_SIGN}|[A-Z]{{3}})?\s*\)"
    r"|.*\d[.,]\d\d\s?[-\u2212]",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[(\[\uff08][^()\[\]\uff08\uff09]*[)\]\uff09]")
_WORD = WORDS["prices"]
_PERIOD = re.compile(
    rf"(?:/|\b(?:{'|'.join(WORDS['lengths']['per'])}|za)\b)\s*(?:{'|'.join(_WORD['per'])})\b"
    rf"|\b(?:{'|'.join(_WORD['periods'])})\b",
    re.IGNORECASE,
)
_NOISE = re.compile(rf"\b(?:{'|'.join(_WORD['noise'])})\b\.?", re.IGNORECASE)


def price(value: object, *, currency: str | None = None, decimal: Mark | None = None) -> MoneyDoc:
    """Reads a price, such as "₹1,299", "49.99 EUR", "1 299 €", "£1.5k" or "Free".

    Returns it in the currency's minor unit.

    `currency` is the currency of a price that names no currency, or that has only a sign that several
    currencies share, such as "$".
    """
    if isinstance(value, str) and len(value) > _LONGEST:
        raise ValueError("is not a price")
    text = _plain(value)
    if len(currencies := _currencies(text)) > 1:
        raise ValueError(f"names more than one currency ({', '.join(sorted(currencies))})")
    code = _currency(text, currency)
    if not code:
        raise ValueError('has no known currency (set one, such as currency = "EUR")')
    places = minor_units(code)
    if places is None:
        raise ValueError(f"has no known currency ({code} is not in ISO 4217)")
    amount = Decimal(0) if _is_free(text) else _amount(value, text, decimal, places)
    if amount * 10**places > _LARGEST:
        raise ValueError("is too large for a price")
    return {"amountMinor": int((amount * 10**places).quantize(Decimal(1), ROUND_HALF_UP)), "currency": code}


def decide_price(column: Column, given: Options) -> Decision:
    """Decides the decimal mark, and the currency of prices that name no currency.

    The currency in the column's name is used, or else the only currency that other prices name. If they name
    several, no currency is decided, unless all prices without a currency are words such as "Free". In that
    case, the most frequent currency is used.
    """
    column = column.without_long(_LONGEST)
    decision = _decide_mark(column, given)
    texts = [_plain(cell) for cell in column.cells]
    decision |= _assumed_signs(texts, given)
    if "currency" in given:
        return decision
    in_name = {code for word in column.words() if (code := currency_named(word))}
    if len(in_name) == 1:
        return decision | Decision({"currency": in_name.pop()})
    named = Counter(code for text in texts if (code := _named_currency(text, None)))
    nameless = [text for text in texts if _is_nameless(text)]
    if not named or not nameless or (len(named) > 1 and not all(map(_is_free, nameless))):
        return decision
    most = named.most_common(1)[0][0]
    return decision | Decision({"currency": most}, {"currency": f"prices that name none are in {most}"})


def _plain(value: object) -> str:
    text = " ".join(ascii_digits(str(value)).translate(_WIDE_SIGNS).split())
    outside = _BRACKETS.sub(" ", text).strip()
    return outside if re.search(r"\d", outside) and _named_currency(outside, None) else text


def _is_free(text: str) -> bool:
    return text.casefold().strip(" .!") in _FREE


def _currency(text: str, default: str | None) -> str | None:
    """Returns the currency that a price names, or `default` if it names none and has no unknown words."""
    if _names_currency(text):
        return _named_currency(text, default)
    return None if _unknown_words(text) else default


def _named_currency(text: str, default: str | None) -> str | None:
    """Returns the currency that a price names by a code or a sign.

    If several currencies share the sign, returns `default` if it is one of them, or else the most common
    currency (None for "kr").
    """
    if own := next(iter(_own_currencies(text)), None):
        return own
    shared = next((sign for sign in _signs(text) if sign in _SHARED), None)
    if shared is None:
        return None
    if default in _SHARED[shared]:
        return default
    return None if shared in _NOT_ASSUMED else _SHARED[shared][0]


def _own_currencies(text: str) -> list[str]:
    """Returns the currencies that a price names by codes, or by signs that no other currency has."""
    alone = _ONLY_CODE.fullmatch(text)
    words = [*_CODE.findall(text), *([(alone[1] or alone[2]).upper()] if alone else [])]
    codes = [code for word in words if (code := _code(word))]
    return [*codes, *(_SIGNS[sign] for sign in _signs(text) if sign in _SIGNS)]


def _currencies(text: str) -> set[str]:
    """Returns all currencies that a price names.

    A symbol shared by several currencies, such as $, is ignored if the price also names one of them.
    """
    own = set(_own_currencies(text))
    shared = (_SHARED[sign] for sign in _signs(text) if sign in _SHARED)
    return own | {usual for usual, *others in shared if own.isdisjoint((usual, *others))}


def _signs(text: str) -> list[str]:
    return [match[0].upper().rstrip(".") for match in _NAMED.finditer(text)]


def _is_nameless(text: str) -> bool:
    """Returns whether a string is a price that names no currency."""
    if _names_currency(text) or _unknown_words(text):
        return False
    with suppress(ValueError):
        return _is_free(text) or _amount(text, text, None, 2) >= 0
    return False


def _names_currency(text: str) -> bool:
    return bool(_named_currency(text, None) or _NAMED.search(text))


def currency_named(word: str) -> str | None:
    """Returns the currency that a word in a column's name names, such as "eur" or "zł".

    Words that more often mean something else, such as "all" and "ft", name none.
    """
    if word.casefold() in _OTHER_WORDS:
        return None
    return _code(word.upper()) or _SIGNS.get(word.upper())


def is_currency(text: str) -> bool:
    """Returns whether a string is the code or the sign of a currency, and nothing else."""
    return bool(_NAMED.fullmatch(text) or _code(text.upper()))


def _code(word: str) -> str | None:
    return word if minor_units(word) is not None else None


def _unknown_words(text: str) -> bool:
    """Returns whether a price has words that may be a currency, or may change the meaning of the amount."""
    return not _is_free(text) and bool(re.search(r"[^\W\d_]", _NOISE.sub(" ", _AMOUNT.sub(" ", text))))


def _amount(value: object, text: str, mark: Mark | None, places: int) -> Decimal:
    if not isinstance(value, str):
        amount = exact(value)
    else:
        if _NEGATIVE.fullmatch(text):
            raise ValueError("is negative")
        if _PERIOD.search(text):
            raise ValueError("is a price per period or unit, not the price of the course")
        bare = _DECORATION.sub(" ", _NAMED.sub(" ", text))
        if unclear := _unclear_multiple(bare):
            raise ValueError(f"has the word “{unclear}”, which may multiply its number")
        amounts = list(_AMOUNT.finditer(bare))
        if len(amounts) != 1:
            raise ValueError("names more than one amount" if amounts else "is not a price")
        thousands = places < 3  # "1.299" is 1,299 if the currency has fewer than three decimals
        amount = exact(amounts[0]["number"], mark=mark if thousands else mark or ".", thousands=thousands)
        amount = -amount if amounts[0]["minus"] else amount
    if amount < 0:
        raise ValueError("is negative")
    return amount


def _unclear_multiple(text: str) -> str | None:
    """Returns the first word that might multiply or divide the number before it, or None.

    Examples are "mrd" and "cents". An unknown word counts too if it follows the number without a space.
    """
    for match in _AFTER.finditer(text):
        word = match["word"]
        known = re.fullmatch(MULTIPLE, word, re.IGNORECASE) or _code(word.upper())
        if not known and (not match["space"] or word.casefold() in _WORD["unclear"]):
            return word
    return None


def _decide_mark(column: Column, given: Options) -> Decision:
    """Decides the decimal mark. "1.299" is read as 1,299 if no other price has more than two decimals."""
    decision = decimal_mark(column, given)
    if "decimal" in given or not (unclear := unclear_numbers(column.cells)):
        return decision
    mark = decision.options.get("decimal")
    if mark and (most_decimals(column.cells, mark) > 2 or not any(mark in number for number in unclear)):
        return decision
    few = unclear_numbers(cell for cell in column.cells if _places(cell, given) < 3)
    assumed = f"“{few[0]}” is read with thousands, not decimals" if few else "points begin decimals"
    return Decision(assumed={"decimal": assumed}, notes=decision.notes)


def _places(cell: object, given: Options) -> int:
    """Returns the number of decimals of a price's currency."""
    return minor_units(_named_currency(_plain(cell), given.get("currency")) or "") or 0


def _assumed_signs(texts: Sequence[str], given: Options) -> Decision:
    """Returns a decision that says which currency is assumed for each sign that several currencies share."""
    assumed = {}
    for sign, (usual, *_) in _SHARED.items():
        if given.get("currency") in _SHARED[sign] or sign in _NOT_ASSUMED:
            continue
        own = re.compile(rf"(?<![^\W\d_]){re.escape(sign)}(?![^\W_]*\$)", re.IGNORECASE)
        if any(own.search(text) and _named_currency(text, None) == usual for text in texts):
            assumed[sign] = f"“{sign.capitalize()}” is {usual}"
    return Decision(assumed={"currency": "; ".join(assumed.values())} if assumed else {})
