"""Slow fault runs: what must hold however often a process dies, and however long a worker lives."""
