"""Errors that a user can mend; their texts say what was expected, what came, what to try."""


class UserError(Exception):
    """A wrong command, setting, or file: exit code 2."""


class RunError(UserError):
    """A run that failed though its command was right: exit code 3."""


class ImageError(Exception):
    """A picture or film that cannot be used."""


class TooManyPixels(ImageError):
    """A picture that is larger than its user allowed."""
