"""A synthetic world with known truth, written as the raw files that people really get. May touch: the disk, below the folder that it is told to write."""
