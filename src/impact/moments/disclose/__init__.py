"""Moments made safe to leave the building: what is withheld, what is rounded, and the statement of both. May touch: nothing."""
