"""A wave of a survey as a stage: answers, weights, estimates, representatives. May touch: the delivery's files, the engine, the run's folder."""
