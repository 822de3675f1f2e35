"""The conformance kit: what searchers, schedulers, logs and executors promise, as checks for whoever writes one.

```python
from welltempered.testing import check_searcher


def test_my_searcher_keeps_its_promises():
    check_searcher(MySearcher())
```

Each check returns nothing, or raises `ConformanceError` with a sentence that names the broken promise, where it was
broken, and the way out. The checks need neither pytest nor anything beside the package; ours are tested by them too.
"""

from welltempered.testing.case import ConformanceError
from welltempered.testing.executor import check_executor, expected
from welltempered.testing.log import check_log
from welltempered.testing.scheduler import check_scheduler
from welltempered.testing.searcher import check_searcher

__all__ = ["ConformanceError", "check_executor", "check_log", "check_scheduler", "check_searcher", "expected"]
