"""Benchmarks: each prints and keeps ratios that were measured side by side in one run."""
