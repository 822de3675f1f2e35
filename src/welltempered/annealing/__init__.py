"""Learning-rate schedules as values: the share of the base rate that each step of a training takes."""
