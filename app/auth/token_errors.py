"""Authentication errors."""


class InvalidTokenError(Exception):
    """A token is rejected. The message says why, without helping anyone to forge a token."""


class ExpiredTokenError(InvalidTokenError):
    """A token has expired, and nothing else is wrong with it."""


class IssuerUnavailableError(Exception):
    """The external issuer's keys can't be read, so its tokens can't be verified."""
