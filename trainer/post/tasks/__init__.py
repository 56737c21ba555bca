"""Tasks whose answers can be verified: what reinforcement learning and benchmarks ask."""
