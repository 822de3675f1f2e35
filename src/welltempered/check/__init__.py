"""Whether training continues exactly, and if not, what was forgotten."""
