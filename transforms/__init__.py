"""Layer 2: Beam PTransforms, the wiring where data shuffles or touches a disk. Steps live in transforms.steps."""
