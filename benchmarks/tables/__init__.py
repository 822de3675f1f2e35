"""The race: our methods and live peers on known learning curves, `python -m benchmarks.tables --data DIR`."""
