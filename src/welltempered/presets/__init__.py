"""Ready-made parameters: what may be tuned in a deep net, on which scale, in which range, and why."""
