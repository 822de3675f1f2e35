"""Schedulers: how epochs are divided among trials."""
