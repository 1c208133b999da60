"""The way out: moments that are safe to leave, in one file; and the way back into a run. May touch: the bundle's file, the run's folder."""
