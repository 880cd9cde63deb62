"""Pure decisions: what is due, what is odd about a night, what is kept, what must be proved."""
