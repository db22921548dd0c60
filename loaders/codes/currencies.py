"""Currencies and their minor units, from the table that the maintainers of ISO 4217 publish."""

from iso4217 import Currency

#: Maps currency codes to numbers of decimal places. Metals, testing codes and the like have no minor unit in
#: the standard, so they are left out, and prices can't be given in them.
_MINOR_UNITS = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def is_currency(code: str) -> bool:
    """Returns whether prices can be given in the currency with this code. It must be in capital letters."""
    return code in _MINOR_UNITS


def minor_units(code: str) -> int | None:
    """Returns the number of decimal places of a currency's amounts: 2 for USD, 0 for JPY, 3 for KWD.

    Returns None if prices can't be given in that currency, as for gold (XAU).
    """
    return _MINOR_UNITS.get(code)
