"""What several estimators, or one long one, are made of. May touch: nothing."""
