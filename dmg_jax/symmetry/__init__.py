"""Structured pessimism (arXiv 2607.02288): does symmetry matter more than amount?

A counter-example on a circle, the rotational reacher, and learners that know a symmetry.
"""
