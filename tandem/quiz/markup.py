"""Marks in the texts of a quiz, as HTML."""

import html
import re

MARKED = re.compile(r"`(?P<code>[^`]+)`|\[(?P<words>[^\]]+)\]\((?P<address>https://[^\s\"()]+)\)")


def inline(text: str) -> str:
    """Plain text as HTML, with `code` between backticks and links: [words](https://address)."""
    return MARKED.sub(_marked, html.escape(text, quote=False))


def _marked(found: re.Match) -> str:
    if found["code"]:
        return f"<code>{found['code']}</code>"
    return f'<a href="{found["address"]}" target="_blank" rel="noopener">{found["words"]}</a>'
