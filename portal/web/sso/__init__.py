"""Single sign-on: its set-up by admins, the way to a provider and back, and breaking glass."""
