"""Closing an organisation for good: asked for, agreed to, waited for, and taken back while there is
time. How its keys and rows go in the end is the command line's affair (`portal.cli.destroying`).
"""
