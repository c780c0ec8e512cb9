"""Every key of a tenant, from the provider's root down to the key of one document or column.

`providers` says what a holder of root keys must do; `local`, `aws`, `hsm` and `vault` are such, the
first needs nothing but a file; `chosen` makes those that an installation has, `moving` brings a
tenant from one to another. `hierarchy` unlocks a tenant's key-encryption keys and keeps them for a
few minutes, `data_keys` wraps a key for each document version, `columns` encrypts names and secrets
in rows, `signing` vouches for what leaves the portal, `service` makes a tenant's first key. The
application calls `hierarchy.configure` once, before any of it.
"""
