"""Layer 1: one idea per file, plain functions and frozen dataclasses, no Beam."""
