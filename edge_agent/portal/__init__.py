"""The page that a walled subscriber sees, served on site."""
