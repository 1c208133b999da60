"""The only room that knows the order: files, stages, notebooks, manifest. May touch: the disk below `reports/`, papermill."""
