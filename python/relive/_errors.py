"""The errors that relive raises on purpose."""


class ReliveError(Exception):
    """Base of every error that relive raises on purpose; the message says what happened and what to do."""
