"""A small language for conditions and constraints, a safe subset of Python expressions."""

import ast
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, final

from welltempered.checks import shown
from welltempered.errors import InvalidInput

__all__ = ["Expression"]

_CALLS = {"min": min, "max": max, "abs": abs, "len": len}
_NODES = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Call),
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
_LANGUAGE = (
    "an expression is made of parameter names, numbers, strings, lists, comparisons, and/or/not, "
    "+ - * / // % ** and min, max, abs, len"
)


@final
@dataclass(frozen=True)
class Expression:
    """A test of params, compared and hashed by its normalised text.

    Args:
        text: names of parameters, constants, lists and tuples, comparisons (chains too, ``in``, ``not in``),
            ``and or not``, ``+ - * / // % **`` and calls of ``min max abs len``.

    Raises:
        InvalidInput: if it is anything else, or mentions no parameter.

    >>> test = Expression('opt=="sgd" and depth>2')
    >>> test
    Expression("opt == 'sgd' and depth > 2")
    >>> test.holds({"opt": "sgd", "depth": 3}, missing=False)
    True
    >>> test.holds({"depth": 3}, missing=False)
    False
    """

    text: str
    names: frozenset[str] = field(init=False, compare=False)
    _test: Callable[[Mapping[str, Any]], Any] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InvalidInput(f'a test of params must be a text, such as "depth > 2", got {shown(self.text)}')
        tree = _parse(self.text)
        text = _text(tree.body)
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        parameters = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
        if not parameters:
            raise InvalidInput(f"the expression {text!r} mentions no parameter")
        names = frozenset(node.id for node in parameters)
        for node in parameters:  # `depth > 2` becomes `lambda params: params['depth'] > 2`
            node.id = f"params[{node.id!r}]"
        # Safe: the tree has been checked node by node, and there are no builtins to call.
        test = eval(f"lambda params: {ast.unparse(tree)}", {"__builtins__": {}, **_CALLS})  # noqa: S307
        vars(self).update(text=text, names=names, _test=test)

    @classmethod
    def all(cls, tests: Iterable["Expression"]) -> "Expression":
        """The conjunction of one or more expressions."""
        parts = dict.fromkeys(part.text for test in tests for part in test.parts)
        return cls(" and ".join(f"({part})" for part in parts))

    @property
    def parts(self) -> tuple["Expression", ...]:
        """The expressions joined by ``and`` on the outermost level; itself if there are none."""
        body = _parse(self.text).body
        if isinstance(body, ast.BoolOp) and isinstance(body.op, ast.And):
            return tuple(Expression(_text(value)) for value in body.values)
        return (self,)

    @property
    def comparison(self) -> tuple[str, Any]:
        """``("Gt", 2)`` for ``depth > 2``, as ``ast`` calls it; blank for anything but a name and a constant."""
        with suppress(ValueError):
            match _parse(self.text).body:
                case ast.Compare(ast.Name(), [operator], [right]):
                    return type(operator).__name__, ast.literal_eval(right)
        return "", None

    def holds(self, params: Mapping[str, Any], *, missing: bool) -> bool:
        """Whether params pass the test; ``missing`` if they lack a name it mentions.

        Raises:
            InvalidInput: if it cannot be computed, as when a string is compared with a number.
        """
        if not self.names <= params.keys():
            return missing
        try:
            return bool(self._test(params))
        except (TypeError, ValueError, ArithmeticError) as error:
            used = {name: params[name] for name in sorted(self.names)}
            raise InvalidInput(f"{self.text!r} cannot be computed from {used}: {error}") from error

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type["Expression"], tuple[str]]:
        return Expression, (self.text,)


def _parse(text: str) -> ast.Expression:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(f"cannot read the expression {shown(text)}: {_LANGUAGE}") from error
    for node in ast.walk(tree):
        if not _allowed(node):
            raise InvalidInput(f"{shown(text)} may not use {type(node).__name__}: {_LANGUAGE}")
    return tree


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _CALLS and not node.keywords
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, str | int | float)
    return isinstance(node, _NODES)


def _text(node: ast.expr) -> str:
    """Like ``ast.unparse``, which puts needless brackets into ``a > 1 and b > 1 and c > 1``."""
    if not isinstance(node, ast.BoolOp):
        return ast.unparse(node)
    word = " and " if isinstance(node.op, ast.And) else " or "
    return word.join(
        f"({_text(value)})" if isinstance(value, ast.BoolOp) else ast.unparse(value) for value in node.values
    )
