"""What a property is: its kind and its values, who may see it, and how one that lives is worked out."""
