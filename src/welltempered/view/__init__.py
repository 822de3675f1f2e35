"""How a study looks in a terminal: live, at a glance, trial by trial."""
