"""Currencies and their minor units, from the table that the maintainers of ISO 4217 publish."""

from iso4217 import Currency

#: The number of decimal places by code. Metals, testing codes and the like have no minor unit in the
#: standard, so no amount of money can be stored in them.
_MINOR_UNITS = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def is_currency(code: str) -> bool:
    """Whether prices can be in this currency, given as a code in capital letters."""
    return code in _MINOR_UNITS


def minor_units(code: str) -> int | None:
    """Returns a currency's number of decimals: 2 for USD, 0 for JPY, 3 for KWD; None if unknown."""
    return _MINOR_UNITS.get(code)
