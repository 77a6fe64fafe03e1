"""Cues from words, and cues as WebVTT, SRT and Podcasting 2.0 files: text in, text out."""
