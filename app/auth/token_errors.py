"""Authentication errors."""


class InvalidTokenError(Exception):
    """A token is rejected. The message says why, without helping anyone to forge a token."""


class IssuerUnavailableError(Exception):
    """The external issuer's keys can't be read, so its tokens can't be verified."""
