"""What is complete, plausible and suspicious in what arrived: files, months, columns. May touch: the engine."""
