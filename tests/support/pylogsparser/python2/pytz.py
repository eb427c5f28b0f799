"""Stands in for pytz: the oracle gives no line a zone, so that no zone is ever asked for."""


class UnknownTimeZoneError(KeyError):
    pass


def timezone(name):
    raise UnknownTimeZoneError(name)
