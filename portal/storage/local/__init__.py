"""Blobs as files in a folder: `store` is the `BlobStore`, over the calls in `files`."""
