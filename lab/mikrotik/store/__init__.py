"""The rows of all menus, as a version has them: fields, values, indexes, references."""
