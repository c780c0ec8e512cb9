"""Reports for auditors, with signed digests."""
