"""The only code that opens files of a show."""
