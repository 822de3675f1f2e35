"""Advice on a space: what to tune first, what a budget affords, what deserves a second look."""
