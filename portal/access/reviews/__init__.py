"""Access reviews: what people hold is put before reviewers, who keep or revoke it line by line."""
