"""What a text may be before it is stored: a word of a list, or a label of a certain form.

Sentry's own lists are closed (`Words` with words) where its API description or its enumerations fix
them, and open where they grow with every SDK, detector or integration. Labels are what the customer
named: a rule of length and characters keeps texts and addresses of people out of them.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Protocol

OTHER = "other"
"""What is stored for a text that is not one of the words."""

WITHHELD = "withheld:"
"""What a label that breaks its rule is stored as begins with; the rest is its keyed hash."""


class Rule(Protocol):
    """What the texts of a column have to be."""

    @property
    def is_unique(self) -> bool:
        """Whether there are as many of them as rows, or nearly."""
        ...

    @property
    def meaning(self) -> str:
        """The rule as a sentence for people."""
        ...

    @property
    def breach(self) -> str:
        """What to call a text that breaks the rule, without that text."""
        ...

    def accepts(self, text: str) -> bool:
        """Tell whether a text may be stored as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a list of Sentry's, or of ours.

    Attributes:
        words: The whole list; empty if it is open.
    """

    words: frozenset[str] = frozenset()
    is_unique: ClassVar[bool] = False

    @property
    def meaning(self) -> str:
        """The rule as a sentence for people."""
        if not self.words:
            return f"one word of at most 64 of the characters `A-Z a-z 0-9 _ . : -`, else `{OTHER}`"
        return f"{', '.join(f'`{word}`' for word in sorted(self.words))}, else `{OTHER}`"

    @property
    def breach(self) -> str:
        """What to call a text that breaks the rule, without that text."""
        return "a word that is not on the list" if self.words else "a text that is not a word"

    def accepts(self, text: str) -> bool:
        """Tell whether a text may be stored as it is."""
        if self.words:
            return text in self.words or text == OTHER
        return _WORD.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Label:
    """A name that the customer gave to something.

    Attributes:
        form: What the whole text has to match.
        description: The form as words for people.
        part_of: Column of which this one is a part; where that one is withheld, so is this one.
        breach: What to call a text that breaks the rule, without that text.
        is_unique: There are as many of them as rows, or nearly.
    """

    form: re.Pattern[str]
    description: str
    part_of: str | None = None
    breach: str = "a label that breaks the rule"
    is_unique: bool = False

    @property
    def meaning(self) -> str:
        """The rule as a sentence for people."""
        return f"{self.description}, else `{WITHHELD}…`"

    def accepts(self, text: str) -> bool:
        """Tell whether a text may be stored as it is."""
        if self.form.fullmatch(text) is None:
            return _WITHHELD.fullmatch(text) is not None
        return "@" not in text or _ADDRESS.search(text) is None


_WORD = re.compile(r"[A-Za-z0-9_.:-]{0,64}")
_WITHHELD = re.compile(WITHHELD + "[0-9a-f]{16}")

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"

_NO_TOP_LEVEL_DOMAIN = (
    "alpha|beta|candidate|debug|final|main|master|nightly|preview|prod|rc|release|snapshot|stable"
)
_ADDRESS = re.compile(
    r"(?<=[^\s@])@(?!\d)(?:[\w-]+\.)+"
    rf"(?!(?:{_NO_TOP_LEVEL_DOMAIN}|[a-f]{{7,}})\b)[^\W\d_]{{2,18}}(?![\w-]|[.+]\w)",
    re.IGNORECASE,
)
"""An obvious e-mail address, which nothing obliges a customer to keep out of a label.

Builds are named after who made them ("built by jane@corp.example"). But a version is by convention
`package@1.2.3`, so what follows the `@` must not begin with a digit, must have a dot, and must end
like a top-level domain: letters only, no word that versions end with, no hash of a commit
(`app@main.deadbeef`). What is withheld by mistake stays equal to itself, so nothing is miscounted.
"""

VERSION = Label(
    re.compile(rf"[^\\{_CONTROL}]{{0,250}}"),
    "at most 250 characters, no backslash, no control character, no e-mail address",
)
"""A release's version, as long as Sentry's column (`DB_VERSION_LENGTH` in `models/release.py`).

Without what Sentry refuses itself: `VALID_API_ATTRIBUTE_REGEX` in getsentry/sentry-release-parser.
That has refused slashes, too, since 2020; older releases have them, and they tell nothing.
"""

PACKAGE = Label(VERSION.form, VERSION.description, part_of="version")
"""The package in a version: whoever withholds the one must withhold the other."""

ENVIRONMENT = Label(
    re.compile(rf"[^\\/{_CONTROL}]{{0,64}}"),
    "at most 64 characters, no slash or backslash, no control character, no e-mail address",
)
"""An environment's name (`ENVIRONMENT_NAME_PATTERN` and its length in `constants.py`)."""

SLUG = Label(re.compile(r"[A-Za-z0-9_-]{1,100}"), "at most 100 of the characters `A-Z a-z 0-9 _ -`")
"""The slug of an organization or a project.

The characters of both patterns in `slug/patterns.py`; slugs of digits only, which those refuse, are
older than the patterns.
"""

SHORT_ID = Label(
    re.compile(r"[A-Za-z0-9_-]{1,100}-[0-9A-Za-z]{1,13}"),
    "a slug, a hyphen and a base-32 number",
    is_unique=True,
)
"""An issue's short id (`qualified_short_id` in `models/group.py`)."""

ID = Label(re.compile("[0-9]{1,20}"), "digits", breach="an id that is not a number", is_unique=True)
"""An id of Sentry's."""

ANY_WORD = Words()
"""A list that grows with every SDK, detector or integration: any single word."""


def _list(words: str) -> Words:
    return Words(frozenset(words.split()))


ORGANIZATION_STATUS = _list(
    "active pending_deletion deletion_in_progress relocation_pending_approval"
)
"""`OrganizationStatus` in `models/organization.py`."""

RELEASE_STATUS = _list("open archived")
"""`ReleaseStatus` in `models/release.py`."""

ISSUE_STATUS = _list(
    "unresolved resolved ignored pending_deletion deletion_in_progress pending_merge reprocessing"
)
"""The API description's list, and the one of `GroupStatus` that it lacks."""

ISSUE_SUBSTATUS = _list(
    "new ongoing escalating regressed"
    " archived_until_escalating archived_until_condition_met archived_forever"
)
"""The API description's list."""

LEVEL = _list("fatal error warning info debug sample unknown")
"""The API description's list."""

PRIORITY = _list("high medium low")
"""The API description's list."""

ISSUE_CATEGORY = _list(
    "error performance profile cron replay feedback uptime metric_alert test_notification outage"
    " metric db_query http_client frontend mobile ai_detected preprod configuration"
)
"""`GroupCategory` in `issues/grouptype.py`, the older ones first."""

ASSIGNEE_TYPE = _list("user team")
"""The API description's list."""

OUTCOME = _list("accepted filtered rate_limited invalid abuse client_discard cardinality_limited")
"""The API description's list, and `Outcome` in `utils/outcomes.py`."""

TOMBSTONE = _list("merged deleted out_of_reach")
"""Ours."""

COVERAGE_SUBJECT = _list("project table endpoint check warning")
"""Ours."""

COVERAGE_STATUS = _list("complete partial lost unsupported warned")
"""Ours."""
