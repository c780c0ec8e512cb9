"""Tenants, the bound tenant, and the first two walls: the query filter and the database.

`binding` says who is bound, `guard` writes the predicate into every statement, `scan` proves that
it is there, `gate` stands before the driver, `session` ties ORM sessions to one tenant,
`placement` knows where a tenant's rows live, `postgres` and `sqlite` are the database walls, and
`schema` checks that every table obeys the rules all of this relies on.
"""
