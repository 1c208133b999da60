"""The panel becomes `Moments`, in the engine. May touch: the engine; never the disk."""
