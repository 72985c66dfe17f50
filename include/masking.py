"""Secrets that Airflow replaces by stars wherever it writes one to a log."""


def hide(secret: str) -> None:
    """Hide a secret from Airflow's logs, before it is used.

    There are two maskers: the core's own, which an API server's access log goes through, and that
    of the Task SDK.
    """
    # Airflow takes seconds to import, and most commands do without.
    from airflow._shared.secrets_masker import mask_secret  # noqa: PLC0415
    from airflow.sdk.log import mask_secret as mask_secret_in_sdk  # noqa: PLC0415

    mask_secret(secret)
    mask_secret_in_sdk(secret)
