"""Benchmarks: programs that measure what the project promises, and their records."""
