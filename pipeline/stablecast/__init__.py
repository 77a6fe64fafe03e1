"""Publish a young person's words without publishing their voice."""

__version__ = "0.1.0"
