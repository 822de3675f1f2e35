"""The Python of a page, as one program; run as a script it makes the pictures of the pages.

`python docs/pages.py` runs the program of every page that shows pictures in an empty folder, and puts what it has drawn
into `docs/pictures`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent
PICTURES = DOCS / "pictures"
FENCE = re.compile(
    r"(?:^[ ]*<!--[ ]*(?P<skip>not[ ]run.*?)[ ]*-->\s*?\n\n?)?"
    r"^(?P<indent>[ ]*)```[ ]*(?P<language>\w+)[^\n]*\n(?P<code>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
SHOWN = re.compile(r"!\[[^\]]*\]\(pictures/([\w-]+\.svg)\)")
SETTINGS = "svg.hashsalt: welltempered\n"  # the same picture, byte for byte, each time


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its code and the line of the page where the code begins."""

    language: str
    code: str
    line: int
    skip: str | None


def blocks(page: Path, language: str) -> Iterator[Block]:
    """The fenced blocks of a language."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        if found["language"] == language:
            line = text.count("\n", 0, found.start("code"))
            yield Block(language, textwrap.dedent(found["code"]), line, found["skip"])


def script(page: Path) -> str:
    """The Python blocks of a page as one program whose line numbers are those of the page."""
    lines: list[str] = []
    for block in blocks(page, "python"):
        if not block.skip:
            lines += [""] * (block.line - len(lines))
            lines += block.code.splitlines()
    return "\n".join(lines) + "\n"


def shown(page: Path) -> set[str]:
    """The files of the pictures that a page shows."""
    return set(SHOWN.findall(page.read_text(encoding="utf-8")))


def pictures(page: Path) -> set[str]:
    """Those that its program draws; `benchmarks/pictures.py` draws those of records."""
    return {name for name in shown(page) if not name.startswith("record-")}


def draw(page: Path) -> None:
    """Run the program of a page and take its pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "matplotlibrc").write_text(SETTINGS, encoding="utf-8")
        (folder / "page.py").write_text(script(page), encoding="utf-8")
        environment = os.environ | {"SOURCE_DATE_EPOCH": "0"}
        subprocess.run([sys.executable, "page.py"], cwd=folder, env=environment, check=True)
        for picture in sorted(pictures(page)):
            shutil.copy(folder / picture, PICTURES / picture)
            print(f"{page.name}: {picture}")


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for path in sorted(DOCS.glob("*.md")):
        if pictures(path):
            draw(path)
