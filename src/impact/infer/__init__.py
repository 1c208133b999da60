"""Influence becomes intervals: standard errors, bands and aggregates, written once for all estimators. May touch: nothing."""
