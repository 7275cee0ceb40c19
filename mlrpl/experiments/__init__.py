"""Experiments: hide labels of a data set, train a method on the rest, and measure it."""
