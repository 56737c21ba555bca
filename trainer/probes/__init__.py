"""Questions to a trained model: surprisal, few-shot learning, memorization."""
