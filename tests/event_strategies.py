"""Hypothesis strategies for the records of a log."""

from hypothesis import strategies as st

from welltempered.events import Cut, Ended, Header, Origin, Reported, Resumed, Started, Undone
from welltempered.objective import Objective

text = st.text(max_size=8)
whole = st.integers(0, 2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.floats(0, 1e12)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | finite | text
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
objects = st.dictionaries(text, plain, max_size=4)
metrics = st.dictionaries(text, st.none() | finite, max_size=4)
maybe = st.none() | whole

parents = st.none() | st.builds(Origin, whole, whole)

events = st.one_of(
    st.builds(Started, whole, objects, whole, whole, maybe, seconds, text, whole, parents),
    st.builds(Resumed, whole, whole, maybe, seconds, text),
    st.builds(Reported, whole, whole, metrics, seconds, seconds, whole),
    st.builds(Cut, whole, whole, text, seconds, st.none() | text),
    st.builds(Ended, whole, text, st.none() | text, seconds, whole, maybe),
    st.builds(Undone, whole, seconds),
)
headers = st.builds(
    Header,
    format=whole,
    package=text,
    created=text,
    space=objects,
    objective=st.builds(Objective, text, st.booleans()),
    epochs=whole,
    seed=whole,
    resumable=st.booleans(),
    method=objects,
)
