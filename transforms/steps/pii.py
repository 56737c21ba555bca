"""Personal data: found by pattern, replaced by placeholders or reserved example values."""
