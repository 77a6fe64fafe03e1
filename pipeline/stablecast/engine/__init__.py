"""What must run, and why; what a gate says, and why. Pure."""
