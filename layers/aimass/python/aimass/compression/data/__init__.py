"""The examples that a user gives, read from their files: one reader a form, bounded before memory is spent."""
