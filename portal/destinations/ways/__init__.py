"""How things get to a destination, by each of four ways.

Each way is one function: it sends a message and gives what the destination answered, in a line for
people. It raises `NotTaken`, or what its library does where nobody answers.
"""
