"""Logs: where events are kept."""
