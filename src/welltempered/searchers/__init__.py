"""Searchers: where the params of new trials come from."""
