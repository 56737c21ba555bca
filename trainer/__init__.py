"""Layer 1': from token shards to a language model. Imports schemas only: never Beam, transforms or pipelines."""
