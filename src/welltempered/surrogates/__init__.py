"""The mathematics of guided search: a Gaussian process over the parameters, and what is expected of a candidate."""
