"""Where a feed is published."""
