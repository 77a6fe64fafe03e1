"""The feed, and the linter that keeps it acceptable to every directory: values in, bytes out."""
