"""Tokens and the salt: destroyed in the transaction of the disconnect; here it is made sure."""

from include.purge.step import Purging, Step


class Credentials(Step):
    """Destroys the connection's secrets."""

    name = "credentials"
    title = "Tokens for Sentry, and the salt of the pseudonyms"
    is_needed = True

    def carry_out(self, at: Purging) -> str | None:
        """Destroy them, if they are still there."""
        at.registry.destroy_secrets(at.connection_id)
        return "They were destroyed in the moment of the disconnect."
