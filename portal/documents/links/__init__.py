"""Sharing links: how people who have no account get at a document or folder, or send files in.

A link is made by a member and works as long as that member may share what it leads to. Whoever
opens one gets a visit, which may have a password, a mailed code or a sign-in still to give.
"""
