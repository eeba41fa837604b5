"""Errors that a user can mend."""


class UserError(Exception):
    """Its text says what was expected, what came, what to try."""
