"""One thread for small matrices: faster than several, and the same sums on every machine."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """A context in which linear algebra uses one thread; what was before comes back at its end.

    How a product is cut up decides how its sums are rounded, so with as many threads as there are cores another
    machine would decide otherwise in `replay --verify`. Entering costs some ten microseconds, the first time
    milliseconds, since the libraries must be found.
    """
    found: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return found


@cache
def _libraries() -> Any:
    """The linear algebra libraries of this process, SciPy's own one among them."""
    import scipy.linalg  # noqa: F401 - so that its library is there to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
