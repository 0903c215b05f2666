"""What is said between cloud and site."""
