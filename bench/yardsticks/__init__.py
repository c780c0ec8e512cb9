"""What the portal is measured against: pages as the textbook has them, and as bare as can be.

`contents` is what all of them show; `textbook` and `bare` are Flask, `django_page` is Django with
django-tenants, `plain` moves files without encrypting them, and `unprotected` is the portal itself
with its security layers taken off.
"""
