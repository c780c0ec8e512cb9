"""Work to be done after a commit, kept in the same transaction: mail, checkpoints, alerts."""
