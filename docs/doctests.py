"""Examples in docstrings are shown as code, wherever they stand."""

import re
from typing import Any

from griffe import Extension, Object

# From a prompt to the next empty line, as doctest reads it.
EXAMPLE = re.compile(r"^(?P<indent> *)>>> .*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


class Doctests(Extension):
    """Put fences around the doctests of every docstring."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change one docstring before it is parsed and rendered."""
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(fenced, obj.docstring.value)


def fenced(example: re.Match[str]) -> str:
    """Return an example between fences, at the margin: an indented fence is no fence."""
    indent = example["indent"]
    code = "\n".join(line.removeprefix(indent) for line in example[0].splitlines())
    return f"```pycon\n{code}\n```"
