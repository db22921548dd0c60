"""What is wrong with a token."""


class InvalidTokenError(Exception):
    """A token is not taken; the message says why, and nothing that would help to forge one."""


class IssuerUnavailableError(Exception):
    """The keys of the external issuer can't be had, so that none of its tokens can be taken."""
