"""What is published, for those who read it: the report, the page, and people with own tools."""

from include.published.generations import Generation, current
from include.published.snippets import Snippet, snippets

__all__ = ["Generation", "Snippet", "current", "snippets"]
