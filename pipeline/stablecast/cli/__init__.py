"""The command line: parse, call the studio, show."""
