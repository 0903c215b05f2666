"""The billing plane: who owes what, who may connect."""
