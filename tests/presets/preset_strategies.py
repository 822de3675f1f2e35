"""Hypothesis strategies for presets: every one of them, with bounds of any size that it takes."""

from hypothesis import strategies as st

from welltempered.presets.design import units
from welltempered.presets.regularisation import clip_norm, dropout, label_smoothing, weight_decay
from welltempered.presets.training import batch_size, beta1, beta2, epsilon, learning_rate, momentum, rho

AVERAGES = [momentum, beta1, beta2, rho]
RATES = [learning_rate, epsilon, clip_norm, weight_decay]
SHARES = [dropout, label_smoothing]
PRESETS = [*AVERAGES, *RATES, *SHARES, batch_size, units]


@st.composite
def averages(draw):
    far, factor = draw(st.floats(1e-4, 1)), draw(st.floats(1.01, 1e4))
    return draw(st.sampled_from(AVERAGES))(1 - far, 1 - far / factor)


@st.composite
def rates(draw):
    low, factor = draw(st.floats(1e-12, 10)), draw(st.floats(1.01, 1e9))
    return draw(st.sampled_from(RATES))(low, low * factor)


@st.composite
def shares(draw):
    low, width = draw(st.floats(0, 0.5)), draw(st.floats(0.01, 0.4))
    step = draw(st.none() | st.integers(1, 100).map(lambda parts: width / parts))
    return draw(st.sampled_from(SHARES))(low, low + width, step=step)


@st.composite
def batches(draw):
    low = draw(st.integers(0, 12))
    return batch_size(2**low, 2 ** (low + draw(st.integers(1, 10))))


@st.composite
def widths(draw):
    if draw(st.booleans()):
        return units(n_in=draw(st.integers(1, 10**6)), n_out=draw(st.integers(1, 10**6)))
    low = draw(st.integers(1, 1000))
    return units(low=low, high=low * draw(st.integers(2, 1000)))


usual = st.sampled_from([units(n_in=784, n_out=10), *(preset() for preset in PRESETS if preset is not units)])
presets = usual | averages() | rates() | shares() | batches() | widths()
