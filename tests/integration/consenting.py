"""A user with a browser, in front of the sandbox's consent page."""

import re
from urllib.parse import parse_qsl, urlsplit

import httpx

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def consent(
    url: str, answer: str = "approve", organization_id: str | None = None
) -> dict[str, str]:
    """Open a consent's address, answer, and return the parameters that Sentry sends back."""
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(url)
        if page.status_code == 200:
            form = {"csrfmiddlewaretoken": CSRF.search(page.text)[1], "op": answer}
            if organization_id is not None:
                form["selected_organization_id"] = organization_id
            # As a browser does: the address without its query is not the same page.
            page = browser.post(url, data=form)
        assert page.status_code == 302, page.text
        return dict(parse_qsl(urlsplit(page.headers["location"]).query))
