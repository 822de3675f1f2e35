"""Spaces that contradict themselves, each with the sentence that one is told; `...` stands for anything."""

import math

import numpy as np
import pytest

import welltempered as wt
from telling import told
from trainings import SPACE, tune

NUMBERS = [
    ("wt.Float(2, 1)", "low must be below high, got low=2.0, high=1.0"),
    ("wt.Float(1, 1)", "low must be below high, got low=1.0, high=1.0; a constant is Choice(1.0)"),
    ("wt.Float('a', 1)", "low must be a finite number, got low='a'"),
    ("wt.Float(True, 2)", "low must be a finite number, got low=True"),
    ("wt.Float(None, 1)", "low must be a finite number, got low=None"),
    ("wt.Float(math.nan, 1)", "low must be a finite number, got low=nan"),
    ("wt.Float(0, math.inf)", "high must be a finite number, got high=inf"),
    ("wt.Float(0, 10**400)", "high must be a finite number, got high=1000..."),
    ("wt.Float(-1e308, 1e308)", "the range is too wide, got low=-1e+308, high=1e+308"),
    ("wt.Float(np.array([0.0, 1.0]), 1)", "low must be a finite number, got low=array([0., 1.])"),
    ("wt.Float([0], 1)", "low must be a finite number, got low=[0]"),
    ("wt.Float(1j, 2)", "low must be a finite number, got low=1j"),
    ("wt.Float(0, 1, scale='log')", "low must be above 0 on a log scale, got low=0.0; with scale='zero_or_log'..."),
    ("wt.Float(-1, 1, scale='log')", "low must be above 0 on a log scale, got low=-1.0; with scale='zero_or_log'..."),
    ("wt.Float(0.5, 1, scale='one_minus_log')", "high must be below 1 with scale='one_minus_log', got high=1.0"),
    ("wt.Float(1, 2, scale='Log')", "scale must be one of linear, log, one_minus_log, zero_or_log, got scale='Log'"),
    ("wt.Float(1, 2, scale=None)", "scale must be one of linear, log, one_minus_log, zero_or_log, got scale=None"),
    ("wt.Float(1, 2, scale=['log'])", "scale must be one of linear, log, ..., got scale=['log']"),
    ("wt.Float(0, 1, step=0)", "step must be above 0 and at most high - low = 1, got step=0.0"),
    ("wt.Float(0, 1, step=2)", "step must be above 0 and at most high - low = 1, got step=2.0"),
    ("wt.Float(0, 1, step=math.nan)", "step must be a finite number, got step=nan"),
    ("wt.Float(0, 1, step='1')", "step must be a finite number, got step='1'"),
    ("wt.Float(0, 1, step=1e-9)", "step=1e-09 makes more than 100000 values: leave the step out"),
    (
        "wt.Float(0.1, 1, scale='log', step=1)",
        "step must be a factor above 1 and at most high / low = 10, got step=1.0",
    ),
    (
        "wt.Float(0.1, 0.9, scale='one_minus_log', step=0.1)",
        "step does not go with scale='one_minus_log': use a Choice",
    ),
    ("wt.Float(0, 1, zero=0.5)", "zero needs scale='zero_or_log', got scale='linear'"),
    ("wt.Float(0.1, 1, scale='zero_or_log', zero=1)", "zero must be a probability between 0 and 1, got zero=1"),
    ("wt.Float(0.1, 1, scale='zero_or_log', zero='a')", "zero must be a probability between 0 and 1, got zero='a'"),
    (
        "wt.Float(0.1, 1, scale='zero_or_log', zero=np.ones(2))",
        "zero must be a probability between..., got zero=array...",
    ),
    ("wt.Float(0, 1, default=2)", "default must be in 0..1, got default=2.0"),
    ("wt.Float(0, 1, default='a')", "default must be a finite number, got default='a'"),
    ("wt.Float(0, 1, step=0.25, default=0.3)", "default must be one of 0, 0.25, ..., 1, got default=0.3"),
    ("wt.Int(0.5, 2)", "low must be an integer, got low=0.5"),
    ("wt.Int(1, 2.0)", "high must be an integer, got high=2.0"),
    ("wt.Int(0, 10**400)", "high must be an integer, got high=1000..."),
    ("wt.Int(2**70, 2**70 + 9)", "low must be an integer, got low=1180591620717411303424"),
    ("wt.Int(1, 5, scale='one_minus_log')", "scale must be one of linear, log, zero_or_log, got scale='one_minus_log'"),
    ("wt.Int(1, 5, step=0.5)", "step must be an integer, got step=0.5"),
    ("wt.Int(0, 10**13)", "the range is too wide, got low=0, high=10000000000000"),
    ("wt.Int(False, True)", "low must be an integer, got low=False"),
]
CHOICES = [
    ("wt.Choice()", 'Choice needs at least one option, as in Choice("sgd", "adam")'),
    ("wt.Choice([])", 'Choice needs at least one option, as in Choice("sgd", "adam")'),
    ("wt.Choice({})", 'Choice needs at least one option, as in Choice("sgd", "adam")'),
    ("wt.Choice(1, 1)", "options must differ, got 1 twice"),
    (
        "wt.Choice(math.sin)",
        "option <built-in function sin> cannot be stored as JSON: name it, as in Choice({'sin': ...",
    ),
    (
        "wt.Choice(object())",
        "option <object object at ...> cannot be stored as JSON: name it, as in Choice({'name': ...",
    ),
    ("wt.Choice(1, math.nan)", "option nan cannot be stored as JSON: name it, as in Choice({'name': ..., ...})"),
    ("wt.Choice({1, 2})", "option {1, 2} cannot be stored as JSON: name it, as in Choice({'name': ..., ...})"),
    ("wt.Choice(2**70, 1)", "option 1180591620717411303424 cannot be stored as JSON: name it, as in Choice(..."),
    ("wt.Choice(np.array([1, 2]))", "option array([1, 2]) cannot be stored as JSON: name it, as in Choice(..."),
    ("wt.Choice(range(3))", "option range(0, 3) cannot be stored as JSON: name it, as in Choice({'name': ..., ...})"),
    ("wt.Choice({1: 2})", "names of options must be strings, got [1]"),
    ("wt.Choice('a', 'b', default='c')", "default must be one of ['a', 'b'], got default='c'"),
    ("wt.Choice('\\ud800')", "option '\\ud800' must be text that UTF-8 can hold: leave the lone surrogate out"),
    ("wt.Choice([LOOP])", "options must not contain themselves, got ([[...]],)"),
]
SPACES = [
    ("wt.Space()", "a space needs at least one parameter, as in Space(lr=Float(0.1, 1))"),
    ("wt.Space(x=1)", "x must be a Float, Int or Choice, got 1; a constant is Choice(1)"),
    ("wt.Space(x=[1, 2])", "x must be a Float, Int or Choice, got [1, 2]; a constant is Choice([1, 2])"),
    (
        "wt.Space(x=wt.Float)",
        "x must be a Float, Int or Choice, got <class 'welltempered.space.parameters.Float'>; call it: Float(...)",
    ),
    ("wt.Space({'class': X})", "names must be Python identifiers and no keywords, got 'class'"),
    ("wt.Space({'a b': X})", "names must be Python identifiers and no keywords, got 'a b'"),
    ("wt.Space({3: X})", "names must be Python identifiers and no keywords, got 3"),
    (
        "wt.Space({'x': X}, x=X)",
        "x is given twice, as Float(0.0, 1.0) and as Float(0.0, 1.0); leave one out, ...",
    ),
    ("wt.Space({'x': X}, {'x': X})", "x is given twice, as Float(0.0, 1.0) and as Float(0.0, 1.0); leave one out, ..."),
    ("wt.Space({'x': X}, ['x > 0', 'x < 1'])", "...; tests go into where, as in Space(...).where('x > 0', 'x < 1')"),
    ("wt.Space(wt.optimizer)", "parameters must have names, ...; call it: optimizer()"),
    (
        "wt.Space(lr=wt.learning_rate)",
        "lr must be ..., got <function ...>; call it: learning_rate()",
    ),
    ("wt.Space(f=len)", "f must be a ...; a constant that is no JSON has a name, as in Choice({'len': ...})"),
    (
        "wt.Space(opt=wt.optimizer('sgd'))",
        "...; it is several parameters: give it without a name, ...",
    ),
    ("wt.Space([X])", "parameters must have names, as in Space(lr=Float(0.1, 1)), got [Float(0.0, 1.0)]"),
    ("wt.Space(X)", "parameters must have names, as in Space(lr=Float(0.1, 1)), got Float(0.0, 1.0)"),
    ("wt.Space('lr')", "parameters must have names, as in Space(lr=Float(0.1, 1)), got 'lr'; tests go ..."),
    ("wt.Space({'x': X}, 'x > 0')", "...got 'x > 0'; tests go into where, as in Space(...).where('x > 0')"),
    ("wt.Space(x=X).where(len)", 'a test of params must be a text, such as "depth > 2", got <built-in function len>'),
    ("wt.Space(x=X).where(None)", 'a test of params must be a text, such as "depth > 2", got None'),
    ("wt.Space(depth=X).where('dept > 0')", "...dept > 0: the space has no parameter 'dept', did you mean 'depth'?"),
    ("wt.Space(x=X).where('x >')", "cannot read the expression 'x >': an expression is made of parameter names, ..."),
    (
        "wt.Space(x=X).where('x = 1')",
        "cannot read the expression 'x = 1': an expression is made of parameter names, ...",
    ),
    ("wt.Space(x=X).where('x.real > 0')", "'x.real > 0' may not use Attribute: an expression is made of ..."),
    ("wt.Space(x=X).where('__import__(x)')", "'__import__(x)' may not use Call: an expression is made of ..."),
    ("wt.Space(x=X).where('1 > 0')", "the expression '1 > 0' mentions no parameter"),
    ("wt.Space(x=X).where('')", "cannot read the expression '': an expression is made of ..."),
    ("wt.Space(x=X).where('(' * 999)", "cannot read the expression '((((...: an expression is made of ..."),
    ("X.when()", 'when() needs a test, such as when(opt="sgd") or when("depth > 2")'),
    ("X.when(len)", 'a test of params must be a text, such as "depth > 2", got <built-in function len>'),
    (
        "X.when(opt=object())",
        "cannot read the expression 'opt == <object object at ...>': an expression is made of ...",
    ),
    (
        "wt.Space(x=X.when(opt='sgd'))",
        "in the condition of x, opt == 'sgd': the space has no parameter 'opt', it has x",
    ),
    ("wt.Space(x=X.when('x > 0'))", "the conditions of x depend on each other"),
    ("wt.Space(x=X.when('y > 0'), y=X.when('x > 0'))", "the conditions of x, y depend on each other"),
    ("wt.Space(o=wt.Choice('a', 'b'), x=X.when(o='c'))", "o has no option 'c', has 'a', 'b'"),
    ("wt.Space(d=wt.Int(1, 3), x=X.when('d > 3'))", "d > 3 can never hold, d is Int(1, 3)"),
    ("wt.Space(d=wt.Int(1, 3), x=X.when(d='2'))", "d cannot be '2', it is Int(1, 3)"),
    ("wt.Space(d=wt.Int(1, 3), x=X.when(d=()))", "d in () can never hold, as there is nothing in it"),
    (
        "wt.Space(d=wt.Choice('a'), x=X.when('d > 2'))",
        "'d > 2' cannot be computed from {'d': 'a'}: '>' not supported...",
    ),
    ("SPACE.decode([0.5, 0.5])", "vector must have shape (1,), got (2,)"),
    ("SPACE.encode({'x': 7})", "x cannot be 7, it is Float(0.0, 1.0)"),
    ("SPACE.encode({'y': 0.5})", "the space has no parameter 'y', it has x"),
    ("SPACE['x'].grid(0)", "points must be at least 1, got points=0"),
    (
        "tune(space=EMPTY, method=wt.Full(wt.Random()))",
        "the constraints leave (almost) nothing: 10000 random tries ...",
    ),
    ("tune(space=EMPTY, method=wt.Full(wt.Sobol()))", "constraints must leave something to try, got 10,000 points ..."),
    (
        "tune(space=EMPTY, method=wt.Full(wt.Grid()))",
        "constraints must leave something to try, got a grid of 5 points ...",
    ),
    ("tune(space=WIDE, method=wt.Full(wt.Grid()))", "grid must have at most 10,000 points, got 1,953,125 ..."),
]
LOOP = []
LOOP.append(LOOP)
X = wt.Float(0, 1)
NAMES = {
    "wt": wt,
    "np": np,
    "math": math,
    "X": X,
    "SPACE": SPACE,
    "LOOP": LOOP,
    "tune": tune,
    "EMPTY": SPACE.where("x > 2"),
    "WIDE": wt.Space(**{f"x{number}": X for number in range(9)}),
}


@pytest.mark.parametrize(("call", "sentence"), [*NUMBERS, *CHOICES, *SPACES])
def test_a_space_that_contradicts_itself_is_refused_in_a_sentence(call, sentence):
    told(lambda: eval(call, dict(NAMES)), sentence)
