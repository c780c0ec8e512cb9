"""Blobs as objects in an S3 bucket: `store` is the `BlobStore`, reached through `access`."""
