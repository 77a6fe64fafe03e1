"""The only code that starts programs, loads weights or writes tags."""
