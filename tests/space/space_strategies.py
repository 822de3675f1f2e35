"""Hypothesis strategies for parameters and spaces."""

from hypothesis import strategies as st

from welltempered.space import Choice, Float, Int, Space

positions = st.floats(0, 1)
sized = st.floats(-1e6, 1e6, allow_subnormal=False)
scalars = st.one_of(st.text(max_size=4), st.integers(-3, 3), st.booleans(), st.none(), st.sampled_from([0.5, 1.0]))
options = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=3,
)


@st.composite
def floats(draw):
    scale = draw(st.sampled_from(["linear", "log", "one_minus_log", "zero_or_log"]))
    if scale == "linear":
        low, width = draw(sized), draw(st.floats(1e-3, 1e6))
        step = draw(st.none() | st.floats(0.01, 1).map(lambda part: part * width))
        return Float(low, low + width, step=step)
    if scale == "one_minus_log":
        far, near = draw(st.floats(1e-2, 3)), draw(st.floats(1e-7, 9e-3))
        return Float(1 - far, 1 - near, scale=scale)
    low, factor = draw(st.floats(1e-12, 1e3)), draw(st.floats(1.01, 1e12))
    step = draw(st.none() | st.floats(1.001, factor))
    zero = draw(st.floats(0.01, 0.99)) if scale == "zero_or_log" else None
    return Float(low, low * factor, scale=scale, step=step, zero=zero)


@st.composite
def ints(draw):
    scale = draw(st.sampled_from(["linear", "log", "zero_or_log"]))
    low = draw(st.integers(-(10**9), 10**9) if scale == "linear" else st.integers(1, 10**6))
    high = low + draw(st.integers(1, 10**9) | st.integers(1, 50))
    most = high - low if scale == "linear" else high // low
    step = draw(st.none() | st.integers(2, most)) if most >= 2 else None
    return Int(low, high, scale=scale, step=step)


@st.composite
def choices(draw):
    unique = draw(st.lists(options, min_size=1, max_size=5, unique_by=repr))
    return Choice(unique)


numbers = floats() | ints()
parameters = numbers | choices()


@st.composite
def small_spaces(draw):
    """Finite spaces with conditions, also nested ones, and few enough points to enumerate."""
    depth = Int(1, draw(st.integers(2, 4)))
    kind = Choice("a", "b", "c")
    rate = Float(0, 1, step=draw(st.sampled_from([0.25, 0.5]))).when(kind=("a", "b"))
    inner = Int(1, draw(st.integers(2, 3))).when("rate > 0.3", "depth >= 2")
    last = Choice(True, None).when("inner == 2 or kind == 'c'")
    named = {"depth": depth, "kind": kind, "rate": rate, "inner": inner, "last": last}
    order = draw(st.permutations(list(named)))
    return Space({name: named[name] for name in order}, free=Int(0, 2))
