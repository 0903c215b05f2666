"""What clients say and what comes of it: commands, queries, checked writes, printed rows."""
