"""Who leaves, when, and under which definition: absences become spells, spells become rates and survival. May touch: the engine."""
