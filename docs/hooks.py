"""README and changelog appear in the site as they stand in the repository.

A page that says `<!-- include: README.md -->` becomes that file. Links are written for readers of
the repository; here those into docs/ are shortened, and those to files that are not part of the
site keep their text and lose their target.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INCLUDE = re.compile(r"<!-- include: (\S+) -->")
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
PAGES = {"CHANGELOG.md": "changelog.md", "README.md": "index.md"}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the include lines of a page by the files they name."""
    return INCLUDE.sub(lambda found: included(ROOT / found[1]), markdown)


def included(path: Path) -> str:
    """Return the text of a file of the repository with its links as the site needs them."""
    return LINK.sub(relink, path.read_text(encoding="utf-8"))


def relink(link: re.Match[str]) -> str:
    """Translate one link from the repository's root to the site's."""
    target = link["target"]
    if target.startswith(("https://", "http://", "#", "mailto:")):
        return link[0]
    page, hash_, anchor = target.partition("#")
    if page in PAGES:
        return f"{link['image']}[{link['text']}]({PAGES[page]}{hash_}{anchor})"
    if page.startswith("docs/"):
        return f"{link['image']}[{link['text']}]({target.removeprefix('docs/')})"
    return link["text"]
