"""What a version's model description makes of pictures, texts and table rows, and of the model's outputs."""
