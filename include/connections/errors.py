"""What can go wrong in connecting and in renewing tokens, told apart by who has to act.

AuthorizingFailed
├── OAuthError
│   ├── ConsentDenied       the user said no
│   ├── ScopesMissing       the consent covers less than is needed
│   ├── ScopesBroader       … or more, which nobody here may have
│   ├── InvalidGrant        Sentry does not know the code or refresh token (any more)
│   ├── ClientRejected      our client id and secret are wrong: whoever runs this installation
│   ├── OAuthUnreachable    no usable answer; later it may work
│   └── OAuthRefused        anything else that Sentry refuses
├── NothingReached          the consent opens no organization
├── NothingToChoose         … or none that this user may choose
└── AnotherOrganization     it is for another one than the connection that is reconnected

No message holds anything of a response's body or of an address's query: each is a sentence that
says what to do next.
"""


class AuthorizingFailed(Exception):
    """Base of every failure to connect."""


class NothingReached(AuthorizingFailed):
    """The consent opens no organization."""


class NothingToChoose(AuthorizingFailed):
    """There is no organization to be chosen: not by this user, or not any more, or not that one."""


class AnotherOrganization(AuthorizingFailed):
    """The consent is for another organization than the one that is connected again."""


class OAuthError(AuthorizingFailed):
    """Base of every failure of OAuth itself."""


class ConsentDenied(OAuthError):
    """The user did not allow it."""


class ScopesMissing(OAuthError):
    """The grant lacks a scope."""


class ScopesBroader(OAuthError):
    """The grant is good for more than what was asked for."""


class InvalidGrant(OAuthError):
    """The code or refresh token is unknown: used, expired or revoked."""


class ClientRejected(OAuthError):
    """Sentry does not accept the OAuth application's id and secret: no fault of the user's."""


class OAuthUnreachable(OAuthError):
    """There is no usable answer.

    Attributes:
        may_have_happened: Sentry may have done what it was asked to, and the answer is lost.
    """

    def __init__(self, message: str, *, may_have_happened: bool) -> None:
        super().__init__(message)
        self.may_have_happened = may_have_happened


class OAuthRefused(OAuthError):
    """Sentry refused the request as such; nothing happened there."""
