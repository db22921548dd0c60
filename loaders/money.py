"""Minor units of currencies (ISO 4217)."""

_CODES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_NONE = frozenset(_CODES.split())
_THREE = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def exponent(currency: str) -> int:
    """The number of decimals of a currency: 2 for most, 0 for the yen, 3 for the Kuwaiti dinar."""
    if currency in _NONE:
        return 0
    return 3 if currency in _THREE else 2
