"""The paper's definitions and theorems as small programs on finite MDPs.

It stands alone: nothing here uses an agent or a data set, and nothing uses it.
"""
