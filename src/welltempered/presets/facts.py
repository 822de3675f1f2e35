"""What is known about each hyperparameter: its role, how much it matters, why its range, what a value means."""

from collections.abc import Mapping
from types import MappingProxyType

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.presets.fact import Fact
from welltempered.presets.names import guessed
from welltempered.space import Parameter


def about(parameter: Parameter | str) -> Fact | None:
    """What is known about a parameter, or about a hyperparameter by its word.

    Args:
        parameter: one with `means`, as presets set it; or the word itself, such as `"momentum"`, or a name that it
            has in most people's code, such as `"lr"` or `"adam_beta_1"`.

    Returns:
        The fact; `None` if the parameter does not say what it means, or nothing is known of that word: hyperparameters
        of one's own are welcome everywhere, so that is no error.

    Raises:
        InvalidInput: if it is neither a parameter nor a word.

    >>> about("beta2").usual
    0.999
    >>> about("lr").means
    'learning_rate'
    >>> print(about("temperature"))
    None
    """
    if isinstance(parameter, Parameter):
        return FACTS.get(parameter.means or "")
    if isinstance(parameter, str):
        return FACTS.get(parameter) or FACTS.get(guessed(parameter) or "")
    raise InvalidInput(f"about() takes a parameter, or a word such as 'momentum', got {shown(parameter)}")


_ALL = (
    Fact(
        "learning_rate",
        "training",
        1,
        1,
        1e-3,
        why=(
            "log, 1e-5 to 1e-1: its order of magnitude is unknown, so each decade gets the same share (Ng, week 3; "
            "Bengio 2012, arXiv:1206.5533, section 3.1)"
        ),
        reading="steps of {} × gradient",
    ),
    Fact(
        "momentum",
        "training",
        2,
        2,
        0.9,
        why=(
            "log in 1 - β, 0.9 to 0.999: what acts is the number of steps averaged, 1 / (1 - β), so 10 to 100 gets as "
            "much as 100 to 1000 (Ng, week 3)"
        ),
        reading="averages about {} steps",
        zero="averages nothing",
        shows="steps",
    ),
    Fact(
        "batch_size",
        "training",
        2,
        3,
        32,
        why=(
            "powers of two, 16 to 512: small enough to train well, as 32 mostly does (Masters & Luschi 2018, "
            "arXiv:1804.07612), large enough to keep a GPU busy"
        ),
        reading="averages the gradient over {} examples",
    ),
    Fact(
        "units",
        "design",
        2,
        4,
        None,
        why=(
            "powers of two around Heaton's rules (Introduction to Neural Networks for Java, 2008, chapter 5), from "
            "half the smaller of input and output to twice the input: a prior, no wall"
        ),
    ),
    Fact(
        "optimizer",
        "training",
        3,
        None,
        "adamw",
        why=(
            "a choice, each with hyperparameters of its own: a comparison is fair only if each is tuned (Choi et al. "
            "2019, arXiv:1910.05446)"
        ),
    ),
    Fact(
        "depth",
        "design",
        3,
        4,
        2,
        why=(
            "1 to 4 hidden layers: in plain nets more rarely help without skip connections (He et al. 2015, "
            "arXiv:1512.03385)"
        ),
        reading="{} hidden layers",
    ),
    Fact(
        "schedule",
        "training",
        3,
        5,
        "constant",
        why=(
            "a choice of decays: that there is one matters more than which; linear and cosine are good ones (Deep "
            "Learning Tuning Playbook, FAQ)"
        ),
    ),
    Fact(
        "warmup",
        "training",
        3,
        None,
        0.0,
        why=(
            "exactly zero or log, up to a few epochs: only needed where the best learning rate would be unstable at "
            "first (Goyal et al. 2017, arXiv:1706.02677)"
        ),
        reading="warms up for {} epochs",
        zero="no warm-up",
    ),
    Fact(
        "decay_rate",
        "training",
        3,
        5,
        None,
        why="log: the rate of an exponential decay acts through its logarithm, as half-lives do",
    ),
    Fact(
        "step_factor",
        "training",
        3,
        5,
        0.1,
        why="log: each drop multiplies the learning rate, by a tenth (He et al. 2015, arXiv:1512.03385) up to a half",
        reading="each drop leaves {} of the learning rate",
    ),
    Fact(
        "step_drops",
        "training",
        3,
        5,
        2,
        why="few drops: two or three are usual for residual nets (He et al. 2015, arXiv:1512.03385)",
        reading="drops {} times",
    ),
    Fact(
        "exponential_rate",
        "training",
        3,
        5,
        None,
        why="log: a decay acts through its order of magnitude, as half-lives do",
        reading="falls by {} e-folds in all",
    ),
    Fact(
        "polynomial_power",
        "training",
        3,
        5,
        1.0,
        why="log, around the straight line, which the Deep Learning Tuning Playbook likes as well as cosine",
    ),
    Fact(
        "one_cycle_rise",
        "training",
        3,
        5,
        0.3,
        why="linear, up to the symmetric triangle (Smith & Topin 2018, arXiv:1708.07120)",
        reading="rises for {} % of the training",
        shows="percent",
    ),
    Fact(
        "plateau_factor",
        "training",
        3,
        5,
        0.1,
        why="log: by two to ten once learning stagnates, as the documentation of Keras and PyTorch says",
        reading="each plateau leaves {} of the learning rate",
    ),
    Fact(
        "plateau_patience",
        "training",
        3,
        5,
        5,
        why="log, up to the 10 epochs of Keras and PyTorch: with more a short training never gets there",
        reading="waits for {} epochs",
    ),
    Fact(
        "weight_decay",
        "training",
        3,
        6,
        0.0,
        why=(
            "exactly zero or log, 1e-6 to 1e-2: it may not be needed at all, else its order of magnitude is unknown "
            "(Krogh & Hertz 1991; Loshchilov & Hutter 2019, arXiv:1711.05101)"
        ),
        reading="shrinks weights by {} × learning rate a step",
        zero="no weight decay",
    ),
    Fact(
        "dropout",
        "training",
        3,
        6,
        0.0,
        why=(
            "linear, 0 to 0.5: half of the units is what suits large layers, less what suits others (Srivastava et al. "
            "2014, JMLR 15)"
        ),
        reading="drops {} % of the units",
        zero="drops nothing",
        shows="percent",
    ),
    Fact(
        "label_smoothing",
        "training",
        3,
        6,
        0.0,
        why="linear, 0 to 0.2, around the 0.1 of Szegedy et al. 2016, arXiv:1512.00567, section 7",
        reading="spreads {} % of the target over all classes",
        zero="spreads nothing",
        shows="percent",
    ),
    Fact(
        "clip_norm",
        "training",
        3,
        None,
        None,
        why=(
            "log, 0.1 to 10: the norm of a healthy gradient differs between nets (Pascanu et al. 2013, arXiv:1211.5063)"
        ),
        reading="shortens gradients longer than {}",
    ),
    Fact(
        "beta1",
        "training",
        4,
        2,
        0.9,
        why=(
            "log in 1 - β, 0.5 to 0.99: around the 0.9 of Kingma & Ba 2015, arXiv:1412.6980, down to the 0.5 that "
            "adversarial nets need (Radford et al. 2016, arXiv:1511.06434)"
        ),
        reading="averages about {} steps",
        zero="averages nothing",
        shows="steps",
    ),
    Fact(
        "beta2",
        "training",
        4,
        None,
        0.999,
        why=(
            "log in 1 - β, 0.9 to 0.9999: around the 0.999 of Kingma & Ba 2015, arXiv:1412.6980, and the 0.98 of "
            "transformers (Vaswani et al. 2017, arXiv:1706.03762)"
        ),
        reading="averages about {} steps",
        zero="averages nothing",
        shows="steps",
    ),
    Fact(
        "rho",
        "training",
        4,
        None,
        0.9,
        why=(
            "log in 1 - ρ, 0.9 to 0.999: from Hinton's 0.9 (Neural Networks for Machine Learning, lecture 6e) beyond "
            "the 0.99 of PyTorch"
        ),
        reading="averages about {} steps",
        zero="averages nothing",
        shows="steps",
    ),
    Fact(
        "epsilon",
        "training",
        4,
        None,
        1e-8,
        why=(
            "log, 1e-10 to 1e-3: no mere guard against division by zero; large ones make Adam behave like momentum "
            "(Choi et al. 2019, arXiv:1910.05446)"
        ),
        reading="damps steps where gradients are below {}",
    ),
)

FACTS: Mapping[str, Fact] = MappingProxyType({fact.means: fact for fact in _ALL})
"""All facts by their words, in Ng's order."""
