"""What a slice of a load consists of, one small module per family of tables."""
