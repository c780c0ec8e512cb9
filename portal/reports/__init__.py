"""What officers hand to auditors: reports on the organisation as it is now, with signed digests."""
