"""The case book: what a class may hand in, hostile, broken or awkward, and what each must earn."""
