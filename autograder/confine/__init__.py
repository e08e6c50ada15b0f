"""Confinement: the tiers, and the probing that decides which of them this machine can promise."""
