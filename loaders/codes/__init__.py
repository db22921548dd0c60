"""Codes of currencies (ISO 4217), countries (ISO 3166-1) and languages (BCP 47).

Countries and languages can also be looked up by name. A name must match one in the tables; only differences
in case, accents, spaces and punctuation are ignored. Any other name has no code. Languages and currencies
also have names to display.
"""

from loaders.codes.countries import country_code, is_country
from loaders.codes.currencies import is_currency, minor_units
from loaders.codes.display_names import currency_name, language_name
from loaders.codes.languages import language_tag

__all__ = [
    "country_code",
    "currency_name",
    "is_country",
    "is_currency",
    "language_name",
    "language_tag",
    "minor_units",
]
