"""Personal data: found and replaced."""
