"""Sends messages through Airflow's notifiers.

What is sent are our own sentences with opaque ids. Where sending fails, only the kind of the
failure is logged: its text may hold an address that is a secret, such as a webhook's.
"""

import logging
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow.sdk.configuration import conf

from include.connections.airflow_secrets import airflow_connection
from include.masking import hide

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier

log = logging.getLogger(__name__)

TIMEOUT_S = 10

WHAT_TO_DO = "What each alarm means, and what to do: docs/runbook.md"


def notify(receivers: Sequence[str], sentences: Sequence[str]) -> bool:
    """Tell all receivers of what happened, in one message.

    Args:
        receivers: As in CORVANA_NOTIFY.
        sentences: What happened.

    Returns:
        Whether at least one of them got it.
    """
    subject = sentences[0].split(": ")[0].rstrip(".")
    if len(sentences) > 1:
        subject = f"{len(sentences)} connections need attention"
    subject, lines = f"corvana-sentry: {subject}", [*sentences, _page(), WHAT_TO_DO]
    sent = [_sent(one, subject, lines) for one in receivers]
    return any(sent)


def _sent(receiver: str, subject: str, lines: Sequence[str]) -> bool:
    channel, _, to = receiver.partition(":")
    try:
        notifier = _mail(to, subject, lines) if channel == "smtp" else _webhook(to, lines)
        notifier.notify({})
    except Exception as failure:  # noqa: BLE001 - of whatever kind: nothing fails because of it
        log.error(  # noqa: TRY400 - see above
            "A notification could not be sent by %s (%s): check the Airflow Connection.",
            channel,
            type(failure).__name__,
        )
        return False
    return True


def _mail(to: str, subject: str, lines: Sequence[str]) -> "BaseNotifier":
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier  # noqa: PLC0415 - slow

    body = "".join(f"<p>{escape(line)}</p>\n" for line in lines)
    notifier: BaseNotifier = SmtpNotifier(to=to, subject=subject, html_content=body)
    return notifier


def _webhook(conn_id: str, lines: Sequence[str]) -> "BaseNotifier":
    """Return what posts `{"text": …}`: what Slack, Mattermost, Google Chat and others take."""
    from airflow.providers.http.notifications import HttpNotifier  # noqa: PLC0415 - slow

    connection = airflow_connection(conn_id)
    if connection is not None and (path := urlsplit(connection.host or "").path.strip("/")):
        hide(path)  # it is as good as a password
    notifier: BaseNotifier = HttpNotifier(
        http_conn_id=conn_id,
        json={"text": "\n\n".join(lines)},
        extra_options={"timeout": TIMEOUT_S},
    )
    return notifier


def _page() -> str:
    """Return where the page is; in words while nobody has set Airflow's address."""
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return f"{base}/integrations/" if base else "The page Integrations in Airflow"
