"""Formats amounts of money, which are stored in minor units, for display."""

from loaders.codes import minor_units
from loaders.model import MoneyDoc

_SYMBOLS = {
    "AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "EUR": "€", "GBP": "£",
    "INR": "₹", "JPY": "¥", "KRW": "₩", "MXN": "MX$", "NZD": "NZ$", "USD": "$",
}  # fmt: skip


def formatted(money: MoneyDoc) -> str:
    """Formats an amount of money for display, such as "₹1,299.00".

    The result starts with the currency's symbol, or its code if there is no symbol, and has the currency's
    number of decimal places. Digits are grouped in threes. In rupees, the last three digits form a group, and
    the digits before them are grouped in twos, as in "₹1,24,980.00".
    """
    digits = minor_units(money["currency"])
    digits = 2 if digits is None else digits  # None if the code was withdrawn after the amount was stored
    amount = abs(money["amountMinor"])
    units, rest = divmod(amount, 10**digits)
    decimals = f".{rest:0{digits}}" if digits else ""
    sign = "-" if money["amountMinor"] < 0 else ""
    symbol = _SYMBOLS.get(money["currency"], f"{money['currency']} ")
    return f"{sign}{symbol}{_grouped(units, money['currency'])}{decimals}"


def _grouped(units: int, currency: str) -> str:
    if currency != "INR" or units < 1000:
        return f"{units:,}"
    above = f"{units // 1000}"
    pairs = [above[max(0, end - 2) : end] for end in range(len(above), 0, -2)]
    return ",".join([*reversed(pairs), f"{units % 1000:03}"])
