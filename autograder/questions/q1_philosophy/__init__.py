"""Exercise 1: what happens when a line runs?"""
