"""A new study with everything that has to be filled in. May touch: the disk, where nothing stands yet."""

from impact.run.new_study.new_study import Kind, NewStudy, new_study

__all__ = ["Kind", "NewStudy", "new_study"]
