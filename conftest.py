"""What all tests and doctests share; it stands here because both folders are below."""

import os

# Set before NumPy and PyTorch start: there is a test process per core already, and a sum of floats
# must not depend on the number of threads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import pytest  # noqa: E402 (after the environment, as said above)
from hypothesis import settings  # noqa: E402

# The same examples in every run: a red test is red for everybody. `--hypothesis-profile=explore`
# looks for new ones. No deadline, because a busy machine is not a bug.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("explore", max_examples=2_000, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _public_names(request, monkeypatch):
    """Let doctests use the public names as they are, and write files where nobody sees them."""
    if isinstance(request.node, pytest.DoctestItem):
        import welltempered

        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
        names = {name: getattr(welltempered, name) for name in getattr(welltempered, "__all__", ())}
        request.getfixturevalue("doctest_namespace").update(wt=welltempered, **names)
