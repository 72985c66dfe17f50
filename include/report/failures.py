"""Why there is no report."""


class NothingToReport(Exception):
    """No load of the connection has come to its end yet."""


class MartsMissing(Exception):
    """Some marts that the report needs are not published."""


class ReportFailed(Exception):
    """The marts are published, but not the report of them."""
