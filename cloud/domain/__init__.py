"""The rules, pure: they take `now` and ids, and touch nothing outside."""
