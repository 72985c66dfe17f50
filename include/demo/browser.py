"""What a person does in a browser: opens pages, follows their links, and sends their forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx


class NothingToClick(Exception):
    """The page has no button or link like the one that is to be clicked."""


@dataclass(slots=True)
class Form:
    """A form of a page.

    Attributes:
        action: Where it is sent, as the page says it.
        fields: Its hidden fields.
        buttons: Names and values of its buttons, by what is written on them.
    """

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class Browser:
    """Follows redirects and keeps cookies, as a browser does.

    Args:
        cookies: Cookies it has from the start.
    """

    def __init__(self, cookies: Mapping[str, str]) -> None:
        self._http = httpx.Client(
            cookies=dict(cookies), follow_redirects=True, timeout=60, trust_env=False
        )

    def open(self, url: str) -> httpx.Response:
        """Open a page."""
        return self._http.get(url).raise_for_status()

    def follow(self, page: httpx.Response, link: str) -> httpx.Response:
        """Follow a page's link, by what is written on it.

        Raises:
            NothingToClick: The page has no such link.
        """
        address = _parsed(page).links.get(link)
        if address is None:
            raise NothingToClick(f"The page {page.url.path} has no link {link!r}.")
        return self.open(urljoin(str(page.url), address))

    def send(self, page: httpx.Response, button: str) -> httpx.Response:
        """Send the form of a page that has a button; return the page it leads to.

        Raises:
            NothingToClick: The page has no such button.
        """
        form = next((one for one in _parsed(page).forms if button in one.buttons), None)
        if form is None:
            raise NothingToClick(f"The page {page.url.path} has no button {button!r}.")
        name, value = form.buttons[button]
        return self._http.post(
            urljoin(str(page.url), form.action),
            data=form.fields | ({name: value} if name else {}),
            headers={"Origin": f"{page.url.scheme}://{page.url.netloc.decode()}"},
        ).raise_for_status()


def _parsed(page: httpx.Response) -> "_Page":
    parser = _Page()
    parser.feed(page.text)
    return parser


class _Page(HTMLParser):
    """Collects the forms and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._given: dict[str, str] = {}
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag in {"a", "button"}:
            self._given, self._text = given, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        label = " ".join(self._text.split())
        if tag == "a":
            self.links[label] = self._given.get("href", "")
        elif tag == "button" and self.forms:
            self.forms[-1].buttons[label] = (
                self._given.get("name", ""),
                self._given.get("value", ""),
            )
