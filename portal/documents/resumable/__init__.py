"""Uploads that can be resumed, by the rules of tus 1.0 (https://tus.io/protocols/resumable-upload).

What is acknowledged is durable: whole parts of PF1 lie in an assembly of the store, what is shorter
than a part in sealed pieces of its own (`parts`), and the row says how far that goes. One process
at a time writes (`leases`). The last byte is acknowledged once everything was read back through the
authenticated decryption and the version's row is there (`finishing`).
"""
