"""Pictures of what a study knows, as functions that return a matplotlib figure: `plots.trials(...).savefig("a.svg")`.

They need matplotlib, `pip install 'welltempered[plots]'`, and leave its global state alone: no pyplot, no open windows.
Each takes `axes` to draw into a figure of one's own.
"""

from welltempered.plots.averages import averages
from welltempered.plots.curves import curves
from welltempered.plots.range_test import range_test
from welltempered.plots.scales import scales
from welltempered.plots.schedules import schedules
from welltempered.plots.trials import trials

__all__ = ["averages", "curves", "range_test", "scales", "schedules", "trials"]
