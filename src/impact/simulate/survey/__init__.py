"""The survey of a synthetic world: who is asked, what they answer, and the 问卷星 export that comes back. May touch: the disk, below the folder it is told to write."""
