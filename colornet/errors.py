"""Errors that a user can mend."""


class UserError(Exception):
    """Its text says what was expected, what came, what to try."""


class ImageError(Exception):
    """A picture that cannot be used; its text is the reason."""


class TooManyPixels(ImageError):
    """A picture that is larger than its user allowed."""
