"""Models made smaller and faster within a budget of accuracy: files and arrays, nothing of where they are kept."""
