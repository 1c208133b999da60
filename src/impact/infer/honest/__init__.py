"""How far parallel trends may fail before an event study's conclusion does (Rambachan and Roth 2023). May touch: nothing."""
