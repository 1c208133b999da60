"""How far the evidence carries: a level from V0 to V5, computed and capped by rules, and the words it allows. May touch: nothing."""
