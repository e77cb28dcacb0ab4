"""The steps of a compression, each a function of a folder that does nothing where its result lies there already."""
