"""Tools that a model may call: a calculator, and a search over the documents of shards."""
