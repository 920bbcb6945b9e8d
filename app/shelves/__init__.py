"""`regen pictures`: where the pictures lie, and how an operator brings them from one store to another."""
