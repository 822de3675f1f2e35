"""One flat public namespace: documented, and the same in code and documentation. Ruff keeps it in order."""

import inspect
import re
from pathlib import Path

import pytest

import welltempered

API = Path(__file__).parents[1] / "docs" / "api.md"
DOCUMENTED = re.findall(r"^::: welltempered\.(\w+)$", API.read_text(encoding="utf-8"), re.MULTILINE)
PUBLIC = welltempered.__all__


def is_ours(thing):
    return getattr(thing, "__module__", "").startswith("welltempered")


def has_docstring(thing):
    """Say whether somebody wrote a docstring; what dataclasses generate does not count."""
    text = inspect.cleandoc(thing.__doc__ or "")
    return bool(text) and not text.startswith(f"{thing.__name__}(")


def members(thing):
    """Return the public functions and properties a class defines itself."""
    for name, member in vars(thing).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def test_public_names_are_the_documented_ones_each_once():
    assert sorted(DOCUMENTED) == sorted(PUBLIC), "docs/api.md and welltempered.__all__ must agree"
    assert len(PUBLIC) == len(set(PUBLIC))


@pytest.mark.parametrize("name", PUBLIC or [])
def test_public_name_can_be_imported(name):
    assert getattr(welltempered, name) is not None


@pytest.mark.parametrize("name", PUBLIC or [])
def test_public_name_has_a_docstring(name):
    thing = getattr(welltempered, name)
    if is_ours(thing) and (inspect.isclass(thing) or inspect.isfunction(thing)):
        assert has_docstring(thing), f"welltempered.{name} needs a docstring"


@pytest.mark.parametrize("name", PUBLIC or [])
def test_every_public_method_has_a_docstring(name):
    thing = getattr(welltempered, name)
    if inspect.isclass(thing):
        bare = [member for member, value in members(thing) if not inspect.getdoc(value)]
        assert not bare, f"these members of welltempered.{name} need a docstring: {bare}"
