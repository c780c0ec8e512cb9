"""The log of one tenant as a transparency log (C2SP tlog-tiles): whoever holds a checkpoint can
tell whether what it covers was altered since.

`bodies` gives an entry's bytes, `numbering` its place in the log, `hashes` and `trees` are the
Merkle tree over all of them (RFC 6962), `tiles` says how that tree is kept, `notes` what a signed
checkpoint looks like, `known` what the main database remembers of it. Signing takes a tenant's
keys, which lie above: see `portal.evidence`.
"""
