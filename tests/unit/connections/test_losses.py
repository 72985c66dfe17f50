"""Why a connection is lost, from what Sentry said."""

import pytest

from dlt_sources.sentry import errors
from dlt_sources.sentry.failures import ACTIONS
from include.connections.losses import RenewalRefused, reason_of
from include.connections.states import SENTENCES, Reason


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (errors.TokenRevoked("x"), Reason.REVOKED),
        (errors.TokenRevoked("x", "user-inactive"), Reason.USER_INACTIVE),
        (errors.TokenRevoked("x", "application-inactive"), Reason.APPLICATION_INACTIVE),
        (errors.TokenExpired("x"), Reason.EXPIRED),
        (errors.ActionNeeded("x", "sso-required"), Reason.SSO_REQUIRED),
        (errors.ActionNeeded("x", "2fa-required"), Reason.TWO_FACTOR_REQUIRED),
        (errors.ActionNeeded("x", "member-disabled-over-limit"), Reason.MEMBER_DISABLED),
        (errors.AccessDenied("x"), Reason.ACCESS_LOST),
        (errors.UnknownOrganization("x"), Reason.ORGANIZATION_LOST),
        (errors.WrongOrganization("x"), Reason.OTHER_ORGANIZATION),
        (errors.ServerTooOld("x"), Reason.SERVER_TOO_OLD),
        *((RenewalRefused(reason), reason) for reason in Reason),
    ],
)
def test_every_loss_has_its_reason(failure, reason):
    assert reason_of(failure) is reason


def kinds(base):
    return {base} | {kind for one in base.__subclasses__() for kind in kinds(one)}


def test_no_kind_of_loss_is_without_a_reason():
    for kind in kinds(errors.ConnectionLost) - {RenewalRefused}:
        assert reason_of(kind("x")) in Reason
    assert {reason_of(errors.ActionNeeded("x", code)) for code in ACTIONS} == {
        Reason.SSO_REQUIRED,
        Reason.TWO_FACTOR_REQUIRED,
        Reason.MEMBER_DISABLED,
    }


def test_a_refused_renewal_says_what_the_page_says():
    for reason in Reason:
        assert str(RenewalRefused(reason)) == SENTENCES[reason]
