"""All pages of signing in. Importing a module adds its pages to the blueprint."""

from portal.web.auth import first_step, further_steps, links, step_up
from portal.web.auth.blueprint import blueprint

__all__ = ["blueprint", "first_step", "further_steps", "links", "step_up"]
